//! What the file configures, seen from here: models, providers, settings. Nothing here changes them.

use http::StatusCode;
use policy::Resource;

use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done};
use crate::serving::{ServedModel, ServedProvider};
use crate::shapes;

shapes! { given: ; shown: ServedModel, ServedProvider }

/// `GET …/models`. Which of them a key may use, policies decide for each call.
// threat: AGP-I1
pub async fn models(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let tenant = entered.tenant();
    call.permit(&entered, Resource::Models { tenant }).await?;
    let models = call.control.serving.models();
    let page = call.page_of(models, |model| model.name.clone(), |model| model)?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `GET /providers`: where calls go is for those who run the instance.
// threat: AGP-I1
pub async fn providers(call: Call, _: Nothing) -> Done {
    call.permit(&call.platform()?, Resource::Settings).await?;
    let providers = call.control.serving.providers();
    let page = call.page_of(providers, |provider| provider.name.clone(), |provider| provider)?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `GET /settings`.
// threat: AGP-I1
pub async fn settings(call: Call, _: Nothing) -> Done {
    call.permit(&call.platform()?, Resource::Settings).await?;
    Ok(Answer::view(&call.control.serving.settings())?)
}
