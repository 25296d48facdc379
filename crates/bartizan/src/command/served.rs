//! What a configuration would serve, put together with the code that serves.

use std::sync::Arc;

use config::Config;
use data::settings::Settings;
use telemetry::Metrics;

use crate::assemble::Workshop;
use crate::failure::Failure;
use crate::resolve::Resolver;
use crate::serving::what_is_served;
use crate::upstream_tls;

/// Assembles; looks around for upstreams if the configuration names none, and adds them to it.
pub async fn assemble(
    config: &mut Config,
    resolver: &Resolver,
    policy: Arc<policy::Engine>,
) -> Result<Settings, Failure> {
    let served = what_is_served(config).await;
    let credentials = resolver.credentials(config).await?;
    Workshop::new(Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")))).assemble(
        config,
        &served,
        &credentials,
        upstream_tls::read_all(config, resolver).await?,
        policy,
    )
}
