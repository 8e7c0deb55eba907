//! Kinds of things that are bought and offered, and what one says about another. A compact taxonomy of our own: a
//! customer's purchases are kept as (category, age) pairs, so a category is one byte whose meaning never changes.
//!
//! It says nothing about who may be offered what: that is the offer's suitability rules.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use thiserror::Error;

use crate::place::halving_bp;

/// A slug that no category has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a known category, such as running-shoes")]
pub struct UnknownCategory;

/// A kind of thing that is bought and offered, such as `running-shoes`.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Category(&'static Entry);

impl Category {
    /// The category with this slug.
    ///
    /// # Errors
    /// [`UnknownCategory`] when none has it.
    pub fn from_slug(slug: &str) -> Result<Self, UnknownCategory> {
        TABLE
            .iter()
            .find(|entry| entry.slug == slug)
            .map(Self)
            .ok_or(UnknownCategory)
    }

    /// The category with this code; `None` for a code that a later version may have given out.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        TABLE.get(usize::from(code).checked_sub(1)?).map(Self)
    }

    /// Every category, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(Self)
    }

    /// The byte to store, 1 to 255. It keeps its meaning for ever, also when the category is not offered any more.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0.code
    }

    /// The text to exchange, such as `running-shoes`.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        self.0.slug
    }

    /// What it belongs to.
    #[must_use]
    pub const fn family(self) -> Family {
        self.0.family
    }

    /// In English, as it stands within a sentence.
    #[must_use]
    pub const fn name_en(self) -> &'static str {
        self.0.name_en
    }

    /// In French, as it stands within a sentence, without an article.
    #[must_use]
    pub const fn name_fr(self) -> &'static str {
        self.0.name_fr
    }

    /// After so many days, a purchase says half as much about what its buyer likes now.
    #[must_use]
    pub const fn half_life_days(self) -> u16 {
        self.0.half_life_days
    }

    /// How much a purchase so many days ago still says, in basis points: 10 000 × 2^(−days ÷ half-life), within 2 bp.
    ///
    /// ```
    /// use apropos_core::category::Category;
    ///
    /// let pods = Category::from_slug("coffee-pods")?;
    /// assert_eq!(pods.half_life_days(), 90);
    /// assert_eq!([0, 45, 90, 180, 270].map(|days| pods.recency_bp(days)), [10_000, 7_071, 5_000, 2_500, 1_250]);
    /// # Ok::<(), apropos_core::category::UnknownCategory>(())
    /// ```
    #[must_use]
    pub fn recency_bp(self, age_days: u16) -> u16 {
        halving_bp((u64::from(age_days) * u64::from(self.fading_a_day())) >> 8)
    }

    /// The halvings of a day's age, in 2^24ths, rounded up.
    pub(crate) fn fading_a_day(self) -> u32 {
        (1_u32 << 24).div_ceil(u32::from(self.0.half_life_days.max(1)))
    }

    /// Whether it is used up with something that lasts.
    #[must_use]
    pub const fn is_consumable(self) -> bool {
        !self.0.consumable_of.is_empty()
    }

    /// After so many days, the usual buyer needs another; before that, a purchase of the very thing counts against.
    #[must_use]
    pub const fn repurchase_days(self) -> u16 {
        self.0.repurchase_days
    }

    /// What a home must usually have for it. An offer that declares the fact asks for it; see [`crate::need`].
    #[must_use]
    pub const fn needs(self) -> &'static [Need] {
        self.0.needs
    }
}

/// Whether someone who has the one makes more of the other: running shoes, then running gear.
#[must_use]
pub fn complements(owned: Category, offered: Category) -> bool {
    owned.0.complements.contains(&offered.0.slug)
}

/// Whether what was bought is the very thing that is offered, or does the same.
#[must_use]
pub fn meets(bought: Category, offered: Category) -> bool {
    bought == offered || replaces(bought, offered)
}

/// Whether the one does what the other would, so that its owner hardly needs the other: a robot lawnmower, then a
/// lawnmower. A thing does not replace itself; see [`Category::repurchase_days`] for that.
#[must_use]
pub fn replaces(owned: Category, offered: Category) -> bool {
    owned.0.replaces.contains(&offered.0.slug)
}

/// Whether the one is used up by the other: coffee pods by a coffee machine.
#[must_use]
pub fn consumable_of(consumable: Category, owned: Category) -> bool {
    consumable.0.consumable_of.contains(&owned.0.slug)
}

/// What a home must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Need {
    /// A garden of one's own.
    Garden,
    /// A lift, or a dwelling on the ground or first floor: the thing is too long or heavy for the stairs.
    LiftAboveFirstFloor,
    /// A ceiling of so many centimetres.
    CeilingCm(u16),
    /// A flue or an outlet for what must not stay in the room.
    Ventilation,
}

/// Categories that go together in a preference centre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Garden and outdoors.
    Garden,
    /// Running and sports.
    Sports,
    /// Furniture and household appliances.
    Home,
    /// Decoration and seasons.
    Seasonal,
    /// Culture and outings.
    Culture,
    /// Kitchen.
    Kitchen,
    /// Do-it-yourself.
    Diy,
    /// Baby.
    Baby,
    /// Pets.
    Pets,
    /// Travel.
    Travel,
    /// Fashion.
    Fashion,
    /// Electronics.
    Electronics,
}

impl Family {
    /// In English, as a heading.
    #[must_use]
    pub const fn name_en(self) -> &'static str {
        match self {
            Self::Garden => "Garden and outdoors",
            Self::Sports => "Running and sports",
            Self::Home => "Home",
            Self::Seasonal => "Decoration and seasons",
            Self::Culture => "Culture and outings",
            Self::Kitchen => "Kitchen",
            Self::Diy => "Do-it-yourself",
            Self::Baby => "Baby",
            Self::Pets => "Pets",
            Self::Travel => "Travel",
            Self::Fashion => "Fashion",
            Self::Electronics => "Electronics",
        }
    }

    /// In French, as a heading.
    #[must_use]
    pub const fn name_fr(self) -> &'static str {
        match self {
            Self::Garden => "Jardin et extérieur",
            Self::Sports => "Running et sports",
            Self::Home => "Maison",
            Self::Seasonal => "Décoration et saisons",
            Self::Culture => "Culture et sorties",
            Self::Kitchen => "Cuisine",
            Self::Diy => "Bricolage",
            Self::Baby => "Bébé",
            Self::Pets => "Animaux",
            Self::Travel => "Voyage",
            Self::Fashion => "Mode",
            Self::Electronics => "High-tech",
        }
    }
}

impl PartialEq for Category {
    fn eq(&self, other: &Self) -> bool {
        self.0.code == other.0.code
    }
}

impl Eq for Category {}

impl PartialOrd for Category {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Category {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.code.cmp(&other.0.code)
    }
}

impl Hash for Category {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.code.hash(state);
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.slug)
    }
}

impl fmt::Debug for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Category({})", self.0.slug)
    }
}

impl FromStr for Category {
    type Err = UnknownCategory;

    fn from_str(slug: &str) -> Result<Self, UnknownCategory> {
        Self::from_slug(slug)
    }
}

impl TryFrom<String> for Category {
    type Error = UnknownCategory;

    fn try_from(slug: String) -> Result<Self, UnknownCategory> {
        Self::from_slug(&slug)
    }
}

impl From<Category> for String {
    fn from(category: Category) -> Self {
        category.0.slug.to_owned()
    }
}

struct Entry {
    code: u8,
    slug: &'static str,
    family: Family,
    name_en: &'static str,
    name_fr: &'static str,
    half_life_days: u16,
    repurchase_days: u16,
    complements: &'static [&'static str],
    replaces: &'static [&'static str],
    consumable_of: &'static [&'static str],
    needs: &'static [Need],
}

/// The shortest way to write a line of the table: names, half-life and repurchase interval in days.
const fn entry(
    (code, slug): (u8, &'static str),
    family: Family,
    (name_en, name_fr): (&'static str, &'static str),
    (half_life_days, repurchase_days): (u16, u16),
) -> Entry {
    Entry {
        code,
        slug,
        family,
        name_en,
        name_fr,
        half_life_days,
        repurchase_days,
        complements: &[],
        replaces: &[],
        consumable_of: &[],
        needs: &[],
    }
}

impl Entry {
    const fn complements(self, complements: &'static [&'static str]) -> Self {
        Self { complements, ..self }
    }

    const fn replaces(self, replaces: &'static [&'static str]) -> Self {
        Self { replaces, ..self }
    }

    const fn consumable_of(self, consumable_of: &'static [&'static str]) -> Self {
        Self { consumable_of, ..self }
    }

    const fn needs(self, needs: &'static [Need]) -> Self {
        Self { needs, ..self }
    }
}

/// Years in days, for what lasts.
const YEARS: u16 = 365;

/// How many there are.
pub(crate) const CATEGORIES: usize = 66;

/// By code, without a hole: the code is the line. New lines go to the end, and none is ever removed.
#[rustfmt::skip]
static TABLE: [Entry; CATEGORIES] = {
    use Family::{Baby, Culture, Diy, Electronics, Fashion, Garden, Home, Kitchen, Pets, Seasonal, Sports, Travel};
    use Need::{CeilingCm, LiftAboveFirstFloor, Ventilation};
    [
        entry((1, "lawnmower"), Garden, ("lawnmower", "tondeuse à gazon"), (365, 8 * YEARS))
            .complements(&["lawnmower-blades", "hedge-trimmer", "garden-tools"]).replaces(&["robot-lawnmower"]).needs(&[Need::Garden]),
        entry((2, "robot-lawnmower"), Garden, ("robot lawnmower", "tondeuse robot"), (365, 8 * YEARS))
            .complements(&["lawnmower-blades", "hedge-trimmer"]).replaces(&["lawnmower"]).needs(&[Need::Garden]),
        entry((3, "lawnmower-blades"), Garden, ("lawnmower blades and oil", "lames et huile de tondeuse"), (180, 365))
            .consumable_of(&["lawnmower", "robot-lawnmower"]).needs(&[Need::Garden]),
        entry((4, "hedge-trimmer"), Garden, ("hedge trimmer", "taille-haie"), (365, 8 * YEARS))
            .complements(&["garden-tools"]).needs(&[Need::Garden]),
        entry((5, "garden-tools"), Garden, ("garden tools", "outils de jardin"), (270, 3 * YEARS))
            .complements(&["plants-and-seeds"]),
        entry((6, "plants-and-seeds"), Garden, ("plants and seeds", "plantes et graines"), (120, 90))
            .complements(&["garden-tools"]),
        entry((7, "garden-furniture"), Garden, ("garden furniture", "salon de jardin"), (365, 6 * YEARS))
            .complements(&["barbecue", "plants-and-seeds"]).needs(&[Need::Garden]),
        entry((8, "barbecue"), Garden, ("barbecue", "barbecue"), (365, 5 * YEARS))
            .complements(&["barbecue-fuel", "garden-furniture"]).needs(&[Need::Garden]),
        entry((9, "barbecue-fuel"), Garden, ("barbecue fuel", "charbon et gaz pour barbecue"), (120, 45))
            .consumable_of(&["barbecue"]),
        entry((10, "running-shoes"), Sports, ("running shoes", "chaussures de running"), (180, 180))
            .complements(&["running-gear", "sports-watch", "sports-nutrition"]),
        entry((11, "running-gear"), Sports, ("running gear", "équipement de running"), (180, 240))
            .complements(&["running-shoes", "sports-watch", "sports-nutrition"]),
        entry((12, "sports-watch"), Sports, ("sports watch", "montre de sport"), (365, 3 * YEARS))
            .complements(&["running-gear"]),
        entry((13, "sports-nutrition"), Sports, ("sports nutrition", "nutrition sportive"), (90, 30)),
        entry((14, "bicycle"), Sports, ("bicycle", "vélo"), (365, 6 * YEARS))
            .complements(&["bicycle-gear"]).replaces(&["electric-bicycle"]),
        entry((15, "electric-bicycle"), Sports, ("electric bicycle", "vélo électrique"), (365, 6 * YEARS))
            .complements(&["bicycle-gear"]).replaces(&["bicycle"]),
        entry((16, "bicycle-gear"), Sports, ("bicycle gear", "équipement de vélo"), (180, 365)),
        entry((17, "fitness-equipment"), Sports, ("home fitness equipment", "équipement de fitness"), (180, 4 * YEARS))
            .complements(&["sports-nutrition"]),
        entry((18, "hiking-gear"), Sports, ("hiking gear", "équipement de randonnée"), (270, 2 * YEARS))
            .complements(&["camping-gear"]),
        entry((19, "mattress"), Home, ("mattress", "matelas"), (180, 10 * YEARS))
            .complements(&["bedding"]).needs(&[LiftAboveFirstFloor]),
        entry((20, "bedding"), Home, ("bedding", "linge de lit"), (180, 2 * YEARS)),
        entry((21, "sofa"), Home, ("sofa", "canapé"), (365, 9 * YEARS))
            .complements(&["lighting"]).needs(&[LiftAboveFirstFloor]),
        entry((22, "tall-wardrobe"), Home, ("tall wardrobe", "grande armoire"), (365, 10 * YEARS))
            .complements(&["bedding"]).needs(&[LiftAboveFirstFloor, CeilingCm(250)]),
        entry((23, "lighting"), Home, ("lighting", "luminaires"), (240, 4 * YEARS)),
        entry((24, "washing-machine"), Home, ("washing machine", "lave-linge"), (365, 9 * YEARS)),
        entry((25, "vacuum-cleaner"), Home, ("vacuum cleaner", "aspirateur"), (270, 6 * YEARS))
            .complements(&["vacuum-filters"]),
        entry((26, "vacuum-filters"), Home, ("vacuum cleaner bags and filters", "sacs et filtres d'aspirateur"), (180, 120))
            .consumable_of(&["vacuum-cleaner"]),
        entry((27, "christmas-tree-3m"), Seasonal, ("three-metre Christmas tree", "sapin de Noël de trois mètres"), (365, 300))
            .complements(&["christmas-decorations"]).replaces(&["christmas-tree-small"]).needs(&[LiftAboveFirstFloor, CeilingCm(320)]),
        entry((28, "christmas-tree-small"), Seasonal, ("small Christmas tree", "petit sapin de Noël"), (365, 300))
            .complements(&["christmas-decorations"]).replaces(&["christmas-tree-3m"]),
        entry((29, "christmas-decorations"), Seasonal, ("Christmas decorations", "décorations de Noël"), (365, 300))
            .complements(&["candles"]),
        entry((30, "candles"), Seasonal, ("candles", "bougies"), (120, 60)),
        entry((31, "wall-art"), Seasonal, ("posters and frames", "affiches et cadres"), (240, 365))
            .complements(&["lighting", "exhibition-tickets"]),
        entry((32, "exhibition-tickets"), Culture, ("exhibition tickets", "billets d'exposition"), (270, 30))
            .complements(&["museum-pass", "books", "wall-art"]),
        entry((33, "museum-pass"), Culture, ("museum pass", "carte de musée"), (365, 365))
            .complements(&["exhibition-tickets", "books"]),
        entry((34, "concert-tickets"), Culture, ("concert tickets", "billets de concert"), (270, 45))
            .complements(&["theatre-tickets"]),
        entry((35, "theatre-tickets"), Culture, ("theatre tickets", "billets de théâtre"), (270, 45))
            .complements(&["exhibition-tickets", "concert-tickets"]),
        entry((36, "theme-park-tickets"), Culture, ("theme park tickets", "billets de parc d'attractions"), (270, 120)),
        entry((37, "books"), Culture, ("books", "livres"), (180, 30)).complements(&["exhibition-tickets"]),
        entry((38, "coffee-machine"), Kitchen, ("coffee machine", "machine à café"), (270, 6 * YEARS))
            .complements(&["coffee-pods"]),
        entry((39, "coffee-pods"), Kitchen, ("coffee pods and beans", "café en capsules et en grains"), (90, 30))
            .consumable_of(&["coffee-machine"]),
        entry((40, "cookware"), Kitchen, ("cookware", "ustensiles de cuisson"), (240, 4 * YEARS))
            .complements(&["kitchen-knives"]),
        entry((41, "kitchen-knives"), Kitchen, ("kitchen knives", "couteaux de cuisine"), (240, 5 * YEARS))
            .complements(&["cookware"]),
        entry((42, "stand-mixer"), Kitchen, ("stand mixer", "robot pâtissier"), (270, 8 * YEARS))
            .complements(&["cookware"]),
        entry((43, "power-drill"), Diy, ("power drill", "perceuse"), (270, 7 * YEARS)).complements(&["drill-bits"]),
        entry((44, "drill-bits"), Diy, ("drill bits and screws", "forets et vis"), (180, 180))
            .consumable_of(&["power-drill"]),
        entry((45, "paint"), Diy, ("paint", "peinture"), (90, 2 * YEARS)).complements(&["painting-tools"]),
        entry((46, "painting-tools"), Diy, ("painting tools", "matériel de peinture"), (120, 365)).complements(&["paint"]),
        entry((47, "pushchair"), Baby, ("pushchair", "poussette"), (240, 3 * YEARS))
            .complements(&["child-car-seat", "nappies", "baby-clothes"]),
        entry((48, "child-car-seat"), Baby, ("child car seat", "siège auto"), (240, 3 * YEARS))
            .complements(&["pushchair", "baby-clothes"]),
        entry((49, "nappies"), Baby, ("nappies", "couches"), (60, 21)).complements(&["baby-clothes"]),
        entry((50, "baby-clothes"), Baby, ("baby clothes", "vêtements de bébé"), (90, 60)).complements(&["nappies"]),
        entry((51, "dog-food"), Pets, ("dog food", "nourriture pour chien"), (90, 30)).complements(&["dog-accessories"]),
        entry((52, "dog-accessories"), Pets, ("leads and baskets for dogs", "laisses et paniers pour chien"), (180, 365))
            .complements(&["dog-food"]),
        entry((53, "cat-food"), Pets, ("cat food", "nourriture pour chat"), (90, 30)).complements(&["cat-tree"]),
        entry((54, "cat-tree"), Pets, ("cat tree", "arbre à chat"), (180, 3 * YEARS)).complements(&["cat-food"]),
        entry((55, "suitcase"), Travel, ("suitcase", "valise"), (270, 5 * YEARS)).complements(&["weekend-stay"]),
        entry((56, "weekend-stay"), Travel, ("weekend stay", "séjour de week-end"), (240, 90))
            .complements(&["exhibition-tickets", "suitcase"]),
        entry((57, "camping-gear"), Travel, ("camping gear", "équipement de camping"), (270, 2 * YEARS))
            .complements(&["hiking-gear"]),
        entry((58, "coats"), Fashion, ("coats and jackets", "manteaux et vestes"), (240, 365))
            .complements(&["everyday-shoes"]),
        entry((59, "everyday-shoes"), Fashion, ("everyday shoes", "chaussures de ville"), (180, 240)),
        entry((60, "handbags"), Fashion, ("handbags", "sacs à main"), (240, 365)).complements(&["coats"]),
        entry((61, "smartphone"), Electronics, ("smartphone", "smartphone"), (270, 3 * YEARS))
            .complements(&["phone-accessories", "headphones"]),
        entry((62, "phone-accessories"), Electronics, ("phone accessories", "accessoires de téléphone"), (180, 365)),
        entry((63, "headphones"), Electronics, ("headphones", "casque audio"), (240, 3 * YEARS)),
        entry((64, "tumble-dryer"), Home, ("tumble dryer", "sèche-linge"), (365, 10 * YEARS)).needs(&[Ventilation]),
        entry((65, "wood-stove"), Home, ("wood stove", "poêle à bois"), (365, 15 * YEARS))
            .complements(&["firewood"]).needs(&[Ventilation]),
        entry((66, "firewood"), Home, ("firewood and pellets", "bûches et granulés"), (180, 60))
            .consumable_of(&["wood-stove"]),
    ]
};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn category(slug: &str) -> Category {
        Category::from_slug(slug).unwrap()
    }

    /// What is stored in customers' contexts. A line of this list may be added, never changed.
    const GIVEN_OUT: [(u8, &str); 66] = [
        (1, "lawnmower"),
        (2, "robot-lawnmower"),
        (3, "lawnmower-blades"),
        (4, "hedge-trimmer"),
        (5, "garden-tools"),
        (6, "plants-and-seeds"),
        (7, "garden-furniture"),
        (8, "barbecue"),
        (9, "barbecue-fuel"),
        (10, "running-shoes"),
        (11, "running-gear"),
        (12, "sports-watch"),
        (13, "sports-nutrition"),
        (14, "bicycle"),
        (15, "electric-bicycle"),
        (16, "bicycle-gear"),
        (17, "fitness-equipment"),
        (18, "hiking-gear"),
        (19, "mattress"),
        (20, "bedding"),
        (21, "sofa"),
        (22, "tall-wardrobe"),
        (23, "lighting"),
        (24, "washing-machine"),
        (25, "vacuum-cleaner"),
        (26, "vacuum-filters"),
        (27, "christmas-tree-3m"),
        (28, "christmas-tree-small"),
        (29, "christmas-decorations"),
        (30, "candles"),
        (31, "wall-art"),
        (32, "exhibition-tickets"),
        (33, "museum-pass"),
        (34, "concert-tickets"),
        (35, "theatre-tickets"),
        (36, "theme-park-tickets"),
        (37, "books"),
        (38, "coffee-machine"),
        (39, "coffee-pods"),
        (40, "cookware"),
        (41, "kitchen-knives"),
        (42, "stand-mixer"),
        (43, "power-drill"),
        (44, "drill-bits"),
        (45, "paint"),
        (46, "painting-tools"),
        (47, "pushchair"),
        (48, "child-car-seat"),
        (49, "nappies"),
        (50, "baby-clothes"),
        (51, "dog-food"),
        (52, "dog-accessories"),
        (53, "cat-food"),
        (54, "cat-tree"),
        (55, "suitcase"),
        (56, "weekend-stay"),
        (57, "camping-gear"),
        (58, "coats"),
        (59, "everyday-shoes"),
        (60, "handbags"),
        (61, "smartphone"),
        (62, "phone-accessories"),
        (63, "headphones"),
        (64, "tumble-dryer"),
        (65, "wood-stove"),
        (66, "firewood"),
    ];

    #[test]
    fn a_code_once_given_out_keeps_its_meaning() {
        let now: Vec<_> = Category::all()
            .map(|category| (category.code(), category.slug()))
            .collect();
        assert_eq!(now, GIVEN_OUT);
    }

    #[test]
    fn a_category_is_found_by_its_code_and_by_its_slug() {
        for category in Category::all() {
            assert_eq!(Category::from_code(category.code()), Some(category));
            assert_eq!(category.to_string().parse(), Ok(category));
        }
        assert_eq!(Category::from_code(0), None);
        assert_eq!(Category::from_code(255), None);
        assert_eq!(Category::from_slug("Running-Shoes"), Err(UnknownCategory));
    }

    #[test]
    fn codes_and_slugs_and_names_are_unique() {
        let count = Category::all().count();
        assert_eq!(Category::all().map(Category::code).collect::<HashSet<_>>().len(), count);
        assert_eq!(Category::all().map(Category::slug).collect::<HashSet<_>>().len(), count);
        assert_eq!(
            Category::all().map(Category::name_en).collect::<HashSet<_>>().len(),
            count
        );
        assert_eq!(
            Category::all().map(Category::name_fr).collect::<HashSet<_>>().len(),
            count
        );
    }

    #[test]
    fn every_slug_can_stand_in_a_key_and_a_tag() {
        for category in Category::all() {
            let slug = category.slug();
            assert!(
                slug.len() <= 32
                    && slug
                        .bytes()
                        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            );
        }
    }

    #[test]
    fn every_category_has_both_names_as_they_stand_in_a_sentence() {
        for category in Category::all() {
            for name in [category.name_en(), category.name_fr()] {
                assert!(!name.is_empty() && name.trim() == name, "{category}");
                let starts_a_sentence = name.starts_with(char::is_uppercase) && !name.starts_with("Christmas");
                assert!(!starts_a_sentence, "{category}: {name}");
            }
        }
    }

    #[test]
    fn every_family_has_a_few_categories() {
        let families: HashSet<_> = Category::all().map(Category::family).collect();
        assert_eq!(families.len(), 12);
        for family in families {
            assert!(
                Category::all().filter(|category| category.family() == family).count() >= 3,
                "{family:?}"
            );
            assert!(!family.name_en().is_empty() && !family.name_fr().is_empty());
        }
    }

    #[test]
    fn relations_lead_to_other_existing_categories() {
        for entry in &TABLE {
            for related in entry
                .complements
                .iter()
                .chain(entry.replaces)
                .chain(entry.consumable_of)
            {
                assert!(Category::from_slug(related).is_ok(), "{} and {related}", entry.slug);
                assert_ne!(*related, entry.slug);
            }
        }
    }

    #[test]
    fn nothing_both_complements_and_replaces_another() {
        for owned in Category::all() {
            for offered in Category::all() {
                assert!(
                    !(complements(owned, offered) && replaces(owned, offered)),
                    "{owned} and {offered}"
                );
            }
        }
    }

    #[test]
    fn whoever_has_the_machine_is_a_buyer_of_its_consumable() {
        for consumable in Category::all() {
            for owned in Category::all().filter(|owned| consumable_of(consumable, *owned)) {
                assert!(complements(owned, consumable), "{owned} and {consumable}");
                assert!(
                    consumable.repurchase_days() < owned.repurchase_days(),
                    "{owned} and {consumable}"
                );
            }
        }
    }

    #[test]
    fn the_founding_four_are_described() {
        assert!(complements(category("running-shoes"), category("running-gear")));
        assert!(!complements(category("lawnmower"), category("running-gear")));
        assert_eq!(category("running-shoes").repurchase_days(), 180);
        assert_eq!(category("lawnmower").repurchase_days(), 8 * 365);
        assert_eq!(category("lawnmower").needs(), [Need::Garden]);
        assert_eq!(
            category("christmas-tree-3m").needs(),
            [Need::LiftAboveFirstFloor, Need::CeilingCm(320)]
        );
        assert!(replaces(category("robot-lawnmower"), category("lawnmower")));
        assert!(complements(category("museum-pass"), category("exhibition-tickets")));
    }

    #[test]
    fn a_purchase_fades_by_half_in_a_half_life() {
        for category in Category::all() {
            assert!(
                category.half_life_days() > 0 && category.repurchase_days() > 0,
                "{category}"
            );
            assert_eq!(category.recency_bp(0), 10_000);
            assert_eq!(category.recency_bp(category.half_life_days()), 5_000);
            assert!(category.recency_bp(u16::MAX) < 10);
        }
    }
}
