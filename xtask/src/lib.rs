//! Repository automation: what keeps the house rules true. Reads the repository and writes only the
//! files it generates; never part of the product.

pub mod banned;
pub mod citations;
pub mod floors;
pub mod generate;
pub mod manifest;
pub mod matrix;
pub mod named;
pub mod register;
pub mod repository;
pub mod scopes;
pub mod tidy;

mod error;
mod source;

pub use error::Error;
