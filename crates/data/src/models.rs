//! `GET /v1/models` and `GET /v1/models/{id}`: only what the caller may use.

use std::sync::Arc;

use dialect::{Dialect, ModelCard};
use http::Response;

use crate::body::GateBody;
use crate::gate::Gate;
use crate::observe;
use crate::settings::Model;
use crate::stage::accept::{Arrival, Wanted};
use crate::stage::admit::Rates;
use crate::stage::identify::Identified;
use crate::stage::{authorize, respond};

/// When the list says a model was made, where nobody knows: the dialects want a number.
const CREATED: i64 = 0;

/// Lists, or shows one.
pub async fn run(gate: &Gate, arrival: &Arrival, identified: &mut Identified) -> Response<GateBody> {
    if let Err(refusal) = identified.prove(gate).await {
        return observe::turned_away(gate, arrival, &refusal);
    }
    let visible = identified.visible_models();
    let Wanted::Models(Some(name)) = identified.wanted() else {
        let cards: Vec<_> = visible.into_iter().map(card).collect();
        return answer(gate, arrival, dialect::models_list(arrival.dialect, &cards));
    };
    match visible.into_iter().find(|model| *model.name == **name) {
        Some(model) => answer(gate, arrival, dialect::model_card(arrival.dialect, &card(model))),
        None => observe::turned_away(gate, arrival, &authorize::no_model(name)),
    }
}

fn answer(gate: &Gate, arrival: &Arrival, body: Vec<u8>) -> Response<GateBody> {
    observe::listed(gate, arrival.dialect == Dialect::OpenAi);
    respond::whole(arrival, &Rates::default(), body.into())
}

fn card(model: &Arc<Model>) -> ModelCard {
    ModelCard {
        id: model.name.to_string(),
        created: CREATED,
        owned_by: model.owned_by.clone(),
    }
}
