//! The codes that others give to our categories, where one of theirs means the same, lies in it or holds it whole.
//!
//! Google's are from its product taxonomy (`taxonomy-with-ids.en-US.txt`, published at
//! google.com/basepages/producttype), each with the path that it stands for. A category without a code is one for which
//! no code was found that means it.
//!
//! GS1's are bricks of its Global Product Classification (published at gpc-browser.gs1.org), each with the title that it
//! has in the release of November 2025 (English, `v20251127 GB`). Title and definition of each were read there, and again in
//! that of June 2020 (English); of the 21 that are younger, the title in that of May 2026 (Spanish, `v20260520 MX`). They
//! were read in copies of GS1's files. A brick that got another title in between is given where what it holds is still of
//! the category.
//!
//! A brick may hold more than the category, as Google's do: running shoes share theirs with shoes for walking and the gym.
//! One that holds two of ours is listed at both, and names neither. GS1 does not tell apart whom clothes, pet food or a lead
//! is for, nor how high a Christmas tree is; it has no brick for admissions, for coats alone or for the parts of one machine.
//! Such categories have none. Of plants, the general bricks are given and not the hundreds that are each of one genus.

use crate::category::{Category, UnknownCategory};

mod brick;
mod google_category;

pub use brick::{Brick, gpc};
pub use google_category::{GoogleCategory, google};

use brick::BRICKS;
use google_category::GOOGLE;

/// The slug of a category of ours, a code of another's, and what they call it.
type Listed = (&'static str, u32, &'static str);

/// The category that a caller names: by its slug, by Google's code as in `google:694`, or by GS1's brick as in
/// `gpc:10001070`, so that a catalogue which has such codes needs no table of its own.
///
/// ```
/// use apropos_core::product_code::named;
///
/// assert_eq!(named("google:694")?, named("lawnmower")?);
/// assert_eq!(named("gpc:10001070")?, named("running-shoes")?);
/// // Google has one code for exhibitions, concerts and plays, GS1 one brick for all mowers with a motor.
/// assert!(named("google:499969").is_err());
/// assert!(named("gpc:10003353").is_err());
/// # Ok::<(), apropos_core::category::UnknownCategory>(())
/// ```
///
/// # Errors
/// [`UnknownCategory`] when none is meant, or one of several.
pub fn named(text: &str) -> Result<Category, UnknownCategory> {
    match text.split_once(':') {
        None => Category::from_slug(text),
        Some(("google", code)) => only(&GOOGLE, code),
        Some(("gpc", code)) => only(&BRICKS, code),
        Some(_) => Err(UnknownCategory),
    }
}

/// The only category that is listed with a code, which is written without sign, blank or leading nought.
fn only(listed: &[Listed], code: &str) -> Result<Category, UnknownCategory> {
    let id: Option<u32> = code.parse().ok();
    let id = id.filter(|id| id.to_string() == code).ok_or(UnknownCategory)?;
    let mut meant = listed.iter().filter(|(_, other, _)| *other == id);
    match (meant.next(), meant.next()) {
        (Some((slug, ..)), None) => Category::from_slug(slug),
        _ => Err(UnknownCategory),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHERS: [(&str, &[Listed]); 2] = [("google", &GOOGLE), ("gpc", &BRICKS)];

    #[test]
    fn a_code_names_a_category_only_if_it_means_one() {
        for (publisher, listed) in PUBLISHERS {
            for (slug, id, _) in listed {
                let alone = listed.iter().filter(|(_, other, _)| other == id).count() == 1;
                let found = named(&format!("{publisher}:{id}"));
                assert_eq!(found.ok(), Category::from_slug(slug).ok().filter(|_| alone), "{slug}");
            }
        }
        for vague in ["google:499969", "google:1013", "gpc:10003353"] {
            assert_eq!(named(vague), Err(UnknownCategory), "{vague}");
        }
    }

    #[test]
    fn a_code_names_a_category_only_as_its_publisher_writes_it() {
        for text in [
            "google:",
            "google:0694",
            "google:+694",
            "google: 694",
            "google:694 ",
            "Google:694",
            "694",
            "google:1",
            "google:10001070",
            "gpc:",
            "gpc:010001070",
            "gpc:+10001070",
            "gpc: 10001070",
            "gpc:10001070 ",
            "gpc:1000 1070",
            "gpc:1000107",
            "gpc:100010700",
            "gpc:99910001070",
            "GPC:10001070",
            "10001070",
            "gpc:10001071",
            // A class and a segment are no bricks.
            "gpc:63010100",
            "gpc:63000000",
            "gpc:694",
            "gs1:10001070",
            "gpc:running-shoes",
            "gpc:gpc:10001070",
        ] {
            assert_eq!(named(text), Err(UnknownCategory), "{text}");
        }
    }

    #[test]
    fn a_code_belongs_to_a_known_category_and_means_one_thing() {
        for (slug, id, path) in GOOGLE {
            let category = Category::from_slug(slug).unwrap();
            assert_eq!(google(category), Some(GoogleCategory { id, path }), "{slug}");
        }
        for (slug, id, title) in BRICKS {
            let category = Category::from_slug(slug).unwrap();
            let bricks = gpc(category).filter(|brick| *brick == Brick { id, title });
            assert_eq!(bricks.count(), 1, "{slug}: {id}");
        }
        for (publisher, listed) in PUBLISHERS {
            for (slug, id, called) in listed {
                for (_, other, elsewhere) in listed {
                    assert_eq!(other == id, elsewhere == called, "{publisher}: {slug}");
                }
            }
        }
    }

    #[test]
    fn bricks_have_eight_digits_and_stand_in_their_order() {
        assert!(BRICKS.iter().all(|(_, id, _)| (10_000_000..11_000_000).contains(id)));
        for category in Category::all() {
            assert!(gpc(category).is_sorted_by_key(|brick| brick.id), "{category}");
        }
    }
}
