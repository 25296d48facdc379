//! The witnesses that the configuration names, made ready to be asked.

use std::sync::Arc;

use config::section::{Bucket, Witness as Named, WitnessKind};
use ledger::witness::WitnessKey;
use upstream::s3::S3Place;
use upstream::{Client, ClientOptions};
use worker::{Anchor, AnchorOptions, BucketWitness, FileWitness, HttpWitness, InBucket, Keyring, Witness};

use super::alerts::Referenced;
use super::{Node, ms};
use crate::failure::{Failure, Hint};

/// One for each that is named. A secret that cannot be had now is a failure: later the witness is silent.
// threat: ANP-0012
pub async fn anchors(node: Node<'_>) -> Result<Vec<Anchor>, Failure> {
    let base = node.base;
    let client = Client::new(&ClientOptions::default());
    let mut all = Vec::with_capacity(base.config.ledger.witnesses.len());
    for named in &base.config.ledger.witnesses {
        let options = AnchorOptions {
            name: named.name.clone(),
            every: ms(named.every_ms),
            silent_after: ms(named.silent_after_ms),
        };
        let of = (base.store.clone(), node.signing.clone(), base.home.node);
        let counted = base.metrics.gauges().witness(&named.name);
        all.push(Anchor::new(
            of,
            witness(node, named, &client).await?,
            options,
            counted,
        ));
    }
    Ok(all)
}

async fn witness(node: Node<'_>, named: &Named, client: &Client) -> Result<Box<dyn Witness>, Failure> {
    let wrong = |why: String| Failure::usage(format!("`ledger.witnesses`: `{}`: {why}", named.name));
    let made: Box<dyn Witness> = match named.kind {
        WitnessKind::File => Box::new(FileWitness::new(named.path.clone().unwrap_or_default())),
        WitnessKind::Http => {
            let key = WitnessKey::parse(named.key.as_deref().unwrap_or_default().trim());
            let key = key.map_err(|error| {
                wrong(format!("its key: {error}")).hint("`bartizan witness` prints it when it starts")
            })?;
            let url = named.url.as_deref().unwrap_or_default();
            Box::new(HttpWitness::new(url, key, client.clone()))
        }
        WitnessKind::S3 => {
            let bucket = named.bucket.as_ref();
            let bucket = bucket.ok_or_else(|| wrong("`bucket` is missing".to_owned()))?;
            let place = place(node, bucket, client).await?;
            Box::new(BucketWitness::new(place).map_err(wrong)?)
        }
    };
    Ok(made)
}

async fn place(node: Node<'_>, to: &Bucket, client: &Client) -> Result<InBucket, Failure> {
    let (resolver, scrubber) = (node.base.resolver.clone(), node.base.logs.scrubber().clone());
    let keys = Referenced::new(to.secrets.clone(), resolver, Some(scrubber));
    keys.secrets().await.map_err(Failure::new)?;
    let (bucket, prefix) = to.place().unwrap_or_default();
    Ok(InBucket {
        place: S3Place {
            endpoint: to.endpoint(),
            bucket: bucket.to_owned(),
            region: to.region.clone(),
            virtual_host: to.virtual_host,
            allow_plaintext: to.allow_plaintext,
        },
        prefix: prefix.to_owned(),
        keys: Arc::new(keys),
        client: client.clone(),
    })
}
