//! What the file configures, seen from here: models, providers, settings. Nothing here changes them.

use std::collections::BTreeMap;

use domain::Permission;
use http::StatusCode;
use ledger::Dated;
use policy::Resource;
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::Answer;
use crate::api::Nothing;
use crate::call::{Call, Done, Entered};
use crate::page::Place;
use crate::problem::Problem;
use crate::serving::{ServedModel, ServedProvider, ServedTarget};
use crate::{shapes, sheets};

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

/// What is served, at the prices that the tenant is charged. What the list says beside them is for who may read prices.
// threat: AGP-I1
async fn charged(call: &Call, entered: &Entered) -> Result<Vec<ServedModel>, Problem> {
    let serving = &call.control.serving;
    let list = serving.prices();
    let own = sheets::charged(call.control.store.as_ref(), entered.tenant(), list.clone()).await?;
    let sees_list = call.may(Permission::PricesRead, super::price_sheet::resource(entered))?;
    let mut models = serving.models();
    for target in models.iter_mut().flat_map(|model| &mut model.targets) {
        let label = format!("{}/{}", target.provider, target.model);
        let rates = |prices: &BTreeMap<String, Dated>| {
            let price = prices.get(&label).and_then(|dated| dated.at(call.now));
            price.map(|price| (price.standard.rates.input, price.standard.rates.output))
        };
        let (listed, charged) = (rates(&list), rates(&own));
        if listed == charged {
            continue;
        }
        (target.input_nanos_per_million, target.output_nanos_per_million) = charged.unzip();
        if sees_list {
            (
                target.list_input_nanos_per_million,
                target.list_output_nanos_per_million,
            ) = listed.unzip();
        }
    }
    Ok(models)
}

/// `GET …/models`. Which of them a key may use, policies decide for each call.
// threat: AGP-I1
pub async fn models(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let tenant = entered.tenant();
    call.permit(&entered, Resource::Models { tenant }).await?;
    let models = charged(&call, &entered).await?;
    let page = call.page_of(models, |model, _| Place::by_id(&model.name), |model| model)?;
    Ok(Answer::json(StatusCode::OK, &page)?)
}

/// `GET …/targets`: the same, one line for each way to have a model served.
// threat: AGP-I1
pub async fn targets(call: Call, _: Nothing) -> Done {
    let entered = call.enter().await?;
    let tenant = entered.tenant();
    call.permit(&entered, Resource::Models { tenant }).await?;
    let models = charged(&call, &entered).await?.into_iter();
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
