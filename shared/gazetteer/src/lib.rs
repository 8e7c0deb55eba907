//! French communes with their cells, postcodes and time zones; a lookup, not a geocoder.
//!
//! It knows no street and no coordinates of a person: it turns an INSEE code, or with an uncertainty a postcode,
//! into a locality. The table is shipped with the crate; its sources, their licences and what it lacks are in
//! `README.md`. Nothing here reads a file, the network, the clock or the environment.

mod commune;
mod gazetteer;

pub use commune::{AreaKind, CELL_RESOLUTION, Commune};
pub use gazetteer::{Gazetteer, PostcodeLocality};
