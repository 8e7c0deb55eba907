//! The closed catalogue of facts that an offer may use. What is not listed here cannot be stored, declared or read:
//! no special category of personal data (GDPR 9) is in it, and none can be added by a brand.

use crate::consent::DataPurpose;

/// A fact that an offer may declare, with the kind of value it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attribute {
    /// The home's cell.
    Home,
    /// What was bought, by category and month.
    Purchases,
    /// What the person said they like, by category.
    Interests,
    /// Where the person is in their life with the brand.
    Lifecycle,
    /// How the person took recent messages.
    Reaction,
    /// The cell they were in a few hours ago at most, apart from home.
    CurrentPlace,
    /// The parts of the day in which they click and buy.
    ActiveHours,
    /// One of the facts about the dwelling and the household.
    Fact(Fact),
}

/// A fact about the dwelling or the household.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// A flat or a house.
    DwellingKind,
    /// A garden of one's own.
    Garden,
    /// A balcony or terrace.
    Balcony,
    /// A lift that serves the floor.
    Lift,
    /// A parking place or garage.
    Parking,
    /// A cellar or other storage.
    Cellar,
    /// A dog lives there.
    Dog,
    /// A cat lives there.
    Cat,
    /// The storey, 0 is the ground floor, -2 to 60.
    Floor,
    /// The ceiling's height in decimetres, 15 to 100.
    CeilingHeight,
    /// How many people live there, 1 to 20.
    HouseholdSize,
    /// A flue or an outlet to the open air.
    Ventilation,
}

/// What a [`Fact`] may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactKind {
    /// True or false.
    Flag,
    /// A whole number within the bounds, both included, in the unit named.
    Number {
        /// Least.
        least: i16,
        /// Most.
        most: i16,
        /// The unit, for documentation and errors.
        unit: &'static str,
    },
    /// One of these words.
    Word(&'static [&'static str]),
}

/// The words of [`Fact::DwellingKind`].
pub const DWELLING_KINDS: [&str; 2] = ["flat", "house"];

impl Fact {
    /// In the order of the compact record. Append only: the position is the stored form.
    pub const ALL: [Self; 12] = [
        Self::DwellingKind,
        Self::Garden,
        Self::Balcony,
        Self::Lift,
        Self::Parking,
        Self::Cellar,
        Self::Dog,
        Self::Cat,
        Self::Floor,
        Self::CeilingHeight,
        Self::HouseholdSize,
        Self::Ventilation,
    ];

    /// The stable name in documents and rules.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DwellingKind => "dwelling.kind",
            Self::Garden => "dwelling.garden",
            Self::Balcony => "dwelling.balcony",
            Self::Lift => "dwelling.lift",
            Self::Parking => "dwelling.parking",
            Self::Cellar => "dwelling.cellar",
            Self::Dog => "household.dog",
            Self::Cat => "household.cat",
            Self::Floor => "dwelling.floor",
            Self::CeilingHeight => "dwelling.ceiling_height",
            Self::HouseholdSize => "household.size",
            Self::Ventilation => "dwelling.ventilation",
        }
    }

    /// The kind of value.
    #[must_use]
    pub const fn kind(self) -> FactKind {
        match self {
            Self::DwellingKind => FactKind::Word(&DWELLING_KINDS),
            Self::Garden
            | Self::Balcony
            | Self::Lift
            | Self::Parking
            | Self::Cellar
            | Self::Dog
            | Self::Cat
            | Self::Ventilation => FactKind::Flag,
            Self::Floor => FactKind::Number {
                least: -2,
                most: 60,
                unit: "storeys above the ground floor",
            },
            Self::CeilingHeight => FactKind::Number {
                least: 15,
                most: 100,
                unit: "decimetres",
            },
            Self::HouseholdSize => FactKind::Number {
                least: 1,
                most: 20,
                unit: "people",
            },
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::DwellingKind => 0,
            Self::Garden => 1,
            Self::Balcony => 2,
            Self::Lift => 3,
            Self::Parking => 4,
            Self::Cellar => 5,
            Self::Dog => 6,
            Self::Cat => 7,
            Self::Floor => 8,
            Self::CeilingHeight => 9,
            Self::HouseholdSize => 10,
            Self::Ventilation => 11,
        }
    }
}

impl Attribute {
    /// Every attribute of the catalogue.
    pub fn all() -> impl Iterator<Item = Self> {
        [
            Self::Home,
            Self::Purchases,
            Self::Interests,
            Self::Lifecycle,
            Self::Reaction,
            Self::CurrentPlace,
            Self::ActiveHours,
        ]
        .into_iter()
        .chain(Fact::ALL.into_iter().map(Self::Fact))
    }

    /// The stable name in documents.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Purchases => "purchases",
            Self::Interests => "interests",
            Self::Lifecycle => "lifecycle",
            Self::Reaction => "reaction",
            Self::CurrentPlace => "current_place",
            Self::ActiveHours => "active_hours",
            Self::Fact(fact) => fact.code(),
        }
    }

    /// Looks a name up in the catalogue.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::all().find(|attribute| attribute.code() == code)
    }

    /// All that the person must have agreed to before a decision may read it: what is measured of somebody's behaviour is read
    /// to foresee it, which is profiling as well (GDPR 4(4)).
    #[must_use]
    pub const fn purposes(self) -> &'static [DataPurpose] {
        match self {
            Self::Home => &[DataPurpose::HomeLocation],
            Self::CurrentPlace => &[DataPurpose::CurrentLocation],
            Self::Reaction | Self::ActiveHours => &[DataPurpose::Measurement, DataPurpose::Profiling],
            Self::Purchases | Self::Interests | Self::Lifecycle | Self::Fact(_) => &[DataPurpose::Profiling],
        }
    }

    /// What it is derived from besides facts of its own, and what an offer therefore declares with it: by the days of purchases
    /// go the lifecycle and, as acts that answer a message, the reaction. So no purchase's category or day decides that is not
    /// declared; the hour of one, where a brand tells it, is of [`ActiveHours`](Self::ActiveHours), which is declared by itself.
    #[must_use]
    pub const fn follows_from(self) -> Option<Self> {
        match self {
            Self::Lifecycle | Self::Reaction => Some(Self::Purchases),
            Self::Home | Self::Purchases | Self::Interests | Self::CurrentPlace | Self::ActiveHours | Self::Fact(_) => {
                None
            }
        }
    }

    /// The purpose that it is collected for, and that an offer declares with it: the first of
    /// [`purposes`](Self::purposes).
    #[must_use]
    pub const fn purpose(self) -> DataPurpose {
        match self {
            Self::Home => DataPurpose::HomeLocation,
            Self::CurrentPlace => DataPurpose::CurrentLocation,
            Self::Reaction | Self::ActiveHours => DataPurpose::Measurement,
            Self::Purchases | Self::Interests | Self::Lifecycle | Self::Fact(_) => DataPurpose::Profiling,
        }
    }
}

/// Words of the special categories (GDPR 9(1)), English and French, in the singular, without accents. What is joined by
/// `_` is several words that follow one another; what follows `=` is a whole name between dots, as `race` is of many words.
/// Sex, gender and nationality are none of the special categories by themselves; the sexual life, the ethnic and the national
/// origin are.
const SPECIAL: &str = "allergy allergic allergie allergique belief believer croyance croyant croyante catholic catholique \
    christian chretien chretienne muslim musulman musulmane islam jew jewish juif juive hindu hindou hindoue bouddhiste \
    buddhist atheist athee protestant protestante church eglise mosque mosquee synagogue halal kosher casher \
    religion religious religieux religieuse confession faith foi philosophical philosophique \
    biometric biometry biometrique biometrie fingerprint empreinte_digitale genetic genetics genetique gene genome dna adn \
    diet regime_alimentaire disability disabled handicap handicape handicapee invalidite disease illness sickness maladie \
    malade health healthy sante medical medicament medication diagnosis traitement_medical diabetes \
    diabetic diabete diabetique cancer hiv vih aids sida covid depression psychiatric psychiatrique \
    obese obesity obesite autism autistic autisme autiste \
    pregnancy pregnant grossesse enceinte blood_type groupe_sanguin \
    ethnic ethnicity ethnique ethnicite ethnie national_origin country_of_origin origine_nationale pays_d_origine \
    pays_origine =race racial racialise racialisee skin_color skin_colour couleur_de_peau couleur_peau \
    gay lesbian lesbienne homosexual homosexuel homosexuelle heterosexual heterosexuel heterosexuelle bisexual bisexuel \
    bisexuelle transgender transgenre lgbt queer sexual sexuel sexuelle sexuality sexualite \
    political politics politique politic party_membership parti_politique political_opinion voter \
    trade_union labor_union labour_union union_member union_membership unionist unionized syndicat syndical syndicale \
    syndique syndiquee";

/// What sounds like one and is none.
const INNOCENT: &str = "health_club credit_union";

/// Words of criminal matters (GDPR 10), as [`SPECIAL`].
const OF_CRIME: &str = "conviction condamnation crime criminal criminel offence offense infraction delit prison \
    casier_judiciaire criminal_record";

/// Words about what something costs, as [`SPECIAL`].
const OF_PRICE: &str = "amount montant cost cout discount remise rabais fee frais price pricing prix tarif \
    tariff rebate surcharge";

/// Whether a name speaks of a special category of personal data (GDPR 9). No such name is in the catalogue; this only
/// tells a caller why.
#[must_use]
pub fn is_special_category(code: &str) -> bool {
    has_word(code, SPECIAL)
}

/// Whether a name speaks of criminal convictions and offences (GDPR 10).
#[must_use]
pub fn speaks_of_crime(code: &str) -> bool {
    has_word(code, OF_CRIME)
}

/// Whether a name speaks of a price. What somebody pays is not a matter of who they are, so no attribute does.
#[must_use]
pub fn speaks_of_price(code: &str) -> bool {
    has_word(code, OF_PRICE)
}

/// Whether a name has a word of the list, whole, in the singular or the plural, or several that follow one another. In
/// `camelCase` a word begins with its capital.
fn has_word(code: &str, words: &str) -> bool {
    let names = code.split('.').map(parts);
    let innocent: Vec<Vec<&str>> = INNOCENT
        .split_whitespace()
        .map(|words| words.split('_').collect())
        .collect();
    names.into_iter().any(|mut name| {
        for phrase in &innocent {
            while let Some(at) = name.windows(phrase.len()).position(|found| found == phrase.as_slice()) {
                name.drain(at..at + phrase.len());
            }
        }
        words.split_whitespace().any(|word| {
            let (is_whole, word) = word.strip_prefix('=').map_or((false, word), |word| (true, word));
            let wanted: Vec<&str> = word.split('_').collect();
            let found = name
                .windows(wanted.len())
                .any(|found| found.iter().zip(&wanted).all(|(part, word)| is_of(part, word)));
            found && (!is_whole || name.len() == wanted.len())
        })
    })
}

/// The words of a name, small and without accents.
fn parts(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut parts = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let is_small = |at: Option<usize>| {
            at.and_then(|at| letters.get(at))
                .is_some_and(|each| each.is_lowercase())
        };
        // In `skinColor`, and in `HIVStatus`.
        let begins = letter.is_uppercase() && (is_small(at.checked_sub(1)) || (at > 0 && is_small(Some(at + 1))));
        let small = letter.to_lowercase().filter_map(plain).collect::<String>();
        let is_letter = small.chars().all(|char| char.is_ascii_alphabetic());
        if begins || !is_letter {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut().filter(|_| is_letter) {
            part.push_str(&small);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether it is the word or its plural.
fn is_of(part: &str, word: &str) -> bool {
    let plural = |ending: &str, of: &str| {
        part.strip_suffix(ending)
            .zip(word.strip_suffix(of))
            .is_some_and(|(part, word)| part == word)
    };
    part == word || plural("s", "") || plural("es", "") || plural("x", "") || plural("ies", "y") || plural("aux", "al")
}

/// A small letter of French or English without its accent; an accent that follows its letter is nothing.
fn plain(letter: char) -> Option<char> {
    Some(match letter {
        '\u{300}'..='\u{36f}' => return None,
        'à' | 'á' | 'â' | 'ä' => 'a',
        'ç' => 'c',
        'è' | 'é' | 'ê' | 'ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' => 'i',
        'ò' | 'ó' | 'ô' | 'ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' => 'u',
        other => other,
    })
}

/// The known values of the facts; unknown is a state of its own.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts([Option<i16>; 12]);

/// A value outside a fact's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be from {least} to {most}")]
pub struct FactOutOfRange {
    /// Least value.
    pub least: i16,
    /// Most value.
    pub most: i16,
}

impl Facts {
    /// The value, flags as 0 or 1 and words by their position.
    #[must_use]
    pub fn get(&self, fact: Fact) -> Option<i16> {
        self.0.get(fact.index()).copied().flatten()
    }

    /// Sets or forgets a value.
    ///
    /// # Errors
    /// [`FactOutOfRange`] when the value is not one of the fact's.
    pub fn set(&mut self, fact: Fact, value: Option<i16>) -> Result<(), FactOutOfRange> {
        let (least, most) = bounds(fact.kind());
        if value.is_some_and(|value| value < least || value > most) {
            return Err(FactOutOfRange { least, most });
        }
        if let Some(place) = self.0.get_mut(fact.index()) {
            *place = value;
        }
        Ok(())
    }

    /// Only the facts that the predicate keeps; the others become unknown.
    #[must_use]
    pub fn only(&self, keep: impl Fn(Fact) -> bool) -> Self {
        let mut kept = Self::default();
        for (fact, place) in Fact::ALL.into_iter().zip(kept.0.iter_mut()) {
            *place = self.get(fact).filter(|_| keep(fact));
        }
        kept
    }
}

impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Facts({} known)", self.0.iter().flatten().count())
    }
}

fn bounds(kind: FactKind) -> (i16, i16) {
    match kind {
        FactKind::Flag => (0, 1),
        FactKind::Number { least, most, .. } => (least, most),
        FactKind::Word(words) => (0, i16::try_from(words.len()).unwrap_or(i16::MAX) - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_attribute_is_found_by_its_name_and_no_other() {
        for attribute in Attribute::all() {
            assert_eq!(Attribute::from_code(attribute.code()), Some(attribute));
        }
        assert_eq!(Attribute::from_code("religion"), None);
    }

    #[test]
    fn nothing_of_the_catalogue_is_special_or_about_a_price() {
        for attribute in Attribute::all() {
            assert!(!is_special_category(attribute.code()), "{attribute:?}");
            assert!(!speaks_of_price(attribute.code()), "{attribute:?}");
        }
        for code in [
            "religion",
            "health.diabetes",
            "political_opinion",
            "household.ethnicity",
            "Trade-Union",
        ] {
            assert!(
                is_special_category(code) && Attribute::from_code(code).is_none(),
                "{code}"
            );
        }
        assert!(speaks_of_price("max_price") && speaks_of_price("loyalty.discount"));
    }

    #[test]
    fn words_are_told_whole_in_both_languages_with_their_plurals_and_without_accents() {
        for code in [
            "religions",
            "pregnant",
            "hiv_status",
            "santé",
            "sante\u{301}",
            "SANTÉ",
            "ethnicité",
            "household.ethnicités",
            "syndicat",
            "sexual_orientation",
            "orientation_sexuelle",
            "allergies",
            "avis-politiques",
            "medicaux.dossier.medical",
            "skin_colour",
            "couleur_de_peau",
            "healthStatus",
            "HIVStatus",
            "customer.skinColor",
            "customer.race",
            "races",
            "country_of_origin",
            "trade_union",
            "musulmane",
            "Juive",
            "chrétienne",
            "homosexuelle",
            "bisexuelles",
            "handicapée",
            "syndiquée",
            "syndicale",
            "hétérosexuel",
            "empreintes_digitales",
            "couleur_peau",
            "allergique",
            "obésité",
            "autisme",
            "halal",
            "casher",
        ] {
            assert!(is_special_category(code), "{code}");
        }
        for code in ["prix", "price", "fees", "remises", "coût", "tarif-maximum"] {
            assert!(speaks_of_price(code) && !is_special_category(code), "{code}");
        }
        for code in ["criminal_record", "délits", "offences"] {
            assert!(speaks_of_crime(code), "{code}");
        }
        for code in [
            "wall_colour",
            "shoe_size",
            "trace",
            "racecourse",
            "feel",
            "unionise_it",
            "parti",
            "dwelling.orientation",
            "traffic_origin",
            "source.origin",
            "credit_union",
            "credit_union_member",
            "race_bib",
            "raceNumber",
            "health_club_member",
            // No special category by itself.
            "sexe",
            "gender",
            "nationality",
        ] {
            assert!(
                !is_special_category(code) && !speaks_of_price(code) && !speaks_of_crime(code),
                "{code}"
            );
        }
    }

    #[test]
    fn the_position_in_the_list_is_the_stored_position() {
        for (position, fact) in Fact::ALL.into_iter().enumerate() {
            assert_eq!(fact.index(), position);
        }
    }

    #[test]
    fn a_value_outside_its_kind_is_refused_and_changes_nothing() {
        let mut facts = Facts::default();
        assert_eq!(
            facts.set(Fact::Floor, Some(61)),
            Err(FactOutOfRange { least: -2, most: 60 })
        );
        assert_eq!(
            facts.set(Fact::Garden, Some(2)),
            Err(FactOutOfRange { least: 0, most: 1 })
        );
        assert_eq!(facts, Facts::default());
    }
}
