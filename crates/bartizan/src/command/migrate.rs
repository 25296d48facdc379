//! `bartizan migrate`: the store's schema brought up to date.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::At;
use crate::failure::Failure;
use crate::home::Home;
use crate::open;

use super::instance::configuration;
use super::show::{Show, Shown};

#[derive(Debug, Serialize)]
struct Migrated {
    engine: &'static str,
}

impl Shown for Migrated {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "the {} store is up to date", self.engine)
    }
}

/// Migrates; makes the data folder if there is none, as `serve` would.
pub async fn run(at: &At, show: Show) -> Result<(), Failure> {
    let config = configuration(at)?;
    let home = Home::open(&config.data_dir)?;
    let store = open::store(&config, &home.sqlite()).await?.store;
    show.say(&Migrated { engine: store.engine() })
}
