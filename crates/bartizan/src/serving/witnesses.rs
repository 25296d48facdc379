//! The witnesses that the configuration names, made ready to be asked.

use config::section::{Witness as Named, WitnessKind};
use ledger::witness::WitnessKey;
use upstream::{Client, ClientOptions};
use worker::{Anchor, AnchorOptions, FileWitness, HttpWitness, Witness};

use super::{Node, ms};
use crate::failure::{Failure, Hint};

/// One for each that is named.
// threat: ANP-0012
pub fn anchors(node: Node<'_>) -> Result<Vec<Anchor>, Failure> {
    let base = node.base;
    let client = Client::new(&ClientOptions::default());
    let anchor = |named: &Named| {
        let options = AnchorOptions {
            name: named.name.clone(),
            every: ms(named.every_ms),
            silent_after: ms(named.silent_after_ms),
        };
        let of = (base.store.clone(), node.signing.clone(), base.home.node);
        let counted = base.metrics.gauges().witness(&named.name);
        Ok(Anchor::new(of, witness(named, &client)?, options, counted))
    };
    base.config.ledger.witnesses.iter().map(anchor).collect()
}

fn witness(named: &Named, client: &Client) -> Result<Box<dyn Witness>, Failure> {
    if named.kind == WitnessKind::File {
        let path = named.path.clone().unwrap_or_default();
        return Ok(Box::new(FileWitness::new(path)));
    }
    let key = WitnessKey::parse(named.key.as_deref().unwrap_or_default().trim()).map_err(|error| {
        Failure::usage(format!(
            "`ledger.witnesses`: the key of `{}`: {error}",
            named.name
        ))
        .hint("`bartizan witness` prints it when it starts")
    })?;
    let url = named.url.as_deref().unwrap_or_default();
    Ok(Box::new(HttpWitness::new(url, key, client.clone())))
}
