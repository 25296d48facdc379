//! What the file configures, seen from here: models, providers, settings. Nothing here changes them.

use http::StatusCode;
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done};
use crate::page::Place;
use crate::serving::{ServedModel, ServedProvider, ServedTarget};
use crate::shapes;

/// A target, and for which name it is called.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TargetView {
    /// The name to ask for.
    pub name: String,
    /// Who serves it.
    #[serde(flatten)]
    pub target: ServedTarget,
}

shapes! { given: ; shown: ServedModel, ServedProvider, TargetView }

/// `GET …/models`. Which of them a key may use, policies decide for each call.
// threat: AGP-I1
pub async fn models(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let tenant = entered.tenant();
    call.permit(&entered, Resource::Models { tenant }).await?;
    let models = call.control.serving.models();
    let page = call.page_of(models, |model, _| Place::by_id(&model.name), |model| model)?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `GET …/targets`: the same, one line for each way to have a model served.
// threat: AGP-I1
pub async fn targets(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let tenant = entered.tenant();
    call.permit(&entered, Resource::Models { tenant }).await?;
    let models = call.control.serving.models().into_iter();
    let targets = models.flat_map(|model| {
        let name = model.name;
        let line = move |target| TargetView {
            name: name.clone(),
            target,
        };
        model.targets.into_iter().map(line)
    });
    let place = |view: &TargetView, _| {
        let target = &view.target;
        Place::by_id(format!("{}\n{}\n{}", view.name, target.provider, target.model))
    };
    let page = call.page_of(targets, place, |view| view)?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `GET /providers`: where calls go is for those who run the instance.
// threat: AGP-I1
pub async fn providers(call: Call, _: Nothing) -> Done {
    call.permit(&call.platform()?, Resource::Settings).await?;
    let providers = call.control.serving.providers();
    let page = call.page_of(
        providers,
        |provider, _| Place::by_id(&provider.name),
        |provider| provider,
    )?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `GET /settings`.
// threat: AGP-I1
pub async fn settings(call: Call, _: Nothing) -> Done {
    call.permit(&call.platform()?, Resource::Settings).await?;
    Ok(Answer::view(&call.control.serving.settings())?)
}
