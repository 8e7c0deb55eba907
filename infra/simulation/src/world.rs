//! The cast: two brands that know people by the same ids, call a run by the same id, and share an address.

/// A brand's own view of a person.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Customer {
    pub(crate) brand: &'static str,
    pub(crate) name: &'static str,
    pub(crate) address: &'static str,
    pub(crate) commune: &'static str,
    pub(crate) zone: &'static str,
    pub(crate) interest: &'static str,
    /// Whether they agreed that what they like is used.
    pub(crate) profiled: bool,
}

impl Customer {
    /// The key of their items.
    pub(crate) fn key(&self) -> String {
        format!("{}#{}", self.brand, self.name)
    }

    /// No message is ever relevant to them, as far as they let it be known.
    pub(crate) fn is_spared(&self) -> bool {
        self.profiled && self.interest != LIKED
    }
}

const LIKED: &str = "exhibition-tickets";

const ADA: Customer = Customer {
    brand: BRAND,
    name: "ada",
    address: "ada@mail.example",
    commune: "69123",
    zone: "Europe/Paris",
    interest: LIKED,
    profiled: true,
};

/// The brand that most of it is about.
pub(crate) const BRAND: &str = "maison";

/// The other one, which only some schedules hear of.
pub(crate) const OTHER: &str = "atelier";

/// Both.
pub(crate) const BRANDS: [&str; 2] = [BRAND, OTHER];

/// Everybody; actions name them by their position.
pub(crate) const PEOPLE: [Customer; 7] = [
    ADA,
    Customer {
        name: "bea",
        address: "bea@mail.example",
        ..ADA
    },
    Customer {
        name: "cyd",
        address: "cyd@mail.example",
        commune: "97209",
        zone: "America/Martinique",
        ..ADA
    },
    Customer {
        name: "dov",
        address: "dov@mail.example",
        interest: "lawnmower",
        ..ADA
    },
    Customer {
        brand: OTHER,
        address: "ada@post.mail.example",
        ..ADA
    },
    // The same person, as it happens; neither brand is told.
    Customer {
        brand: OTHER,
        name: "bea",
        address: "bea@mail.example",
        ..ADA
    },
    Customer {
        brand: OTHER,
        name: "eve",
        address: "eve@mail.example",
        interest: "lawnmower",
        profiled: false,
        ..ADA
    },
];

/// The campaigns; actions name them by their position.
pub(crate) const CAMPAIGNS: [(&str, &str); 4] = [
    (BRAND, "sale-1"),
    (BRAND, "sale-2"),
    (BRAND, "sale-3"),
    (OTHER, "sale-1"),
];

/// The position of the other brand's campaign.
pub(crate) const OTHERS_CAMPAIGN: u8 = 3;

/// The first position of the other brand's people.
pub(crate) const OTHERS_PEOPLE: u8 = 4;

pub(crate) fn customer(position: u8) -> Customer {
    PEOPLE.get(usize::from(position)).copied().unwrap_or(ADA)
}

pub(crate) fn campaign(position: u8) -> (&'static str, &'static str) {
    CAMPAIGNS
        .get(usize::from(position))
        .copied()
        .unwrap_or((BRAND, "sale-1"))
}
