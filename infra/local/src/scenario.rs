//! The demonstration's two brands and four campaigns: the founding idea, as a brand would set it up through the API.

use apropos_core::document::BrandDocument;
use serde_json::{Value, json};

/// A brand of the demonstration.
pub struct DemoBrand {
    /// Its settings.
    pub settings: Value,
    /// Its share of the customers, in percent.
    pub share: u32,
    /// Its campaigns, in the order they are launched.
    pub campaigns: Vec<DemoCampaign>,
}

impl DemoBrand {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.settings.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The settings as a document.
    ///
    /// # Errors
    /// When they are not of the document's form.
    pub fn document(&self) -> Result<BrandDocument, serde_json::Error> {
        serde_json::from_value(self.settings.clone())
    }
}

/// A campaign of the demonstration, with its offer.
pub struct DemoCampaign {
    /// What it is, in a few words.
    pub about: &'static str,
    /// For `POST /v1/offers`.
    pub offer: Value,
    /// For `POST /v1/campaigns`.
    pub campaign: Value,
}

impl DemoCampaign {
    /// The campaign's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.campaign.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}

/// The brands, in order.
#[must_use]
pub fn brands() -> Vec<DemoBrand> {
    vec![
        DemoBrand {
            settings: settings(
                "halle-lumen",
                "Halle Lumen",
                "Halle Lumen SAS, 1 quai des Exemples, 69002 Lyon",
                "lumen.example.com",
            ),
            share: 40,
            campaigns: vec![exhibition()],
        },
        DemoBrand {
            settings: settings(
                "grand-air",
                "Grand Air",
                "Grand Air SARL, 12 allée des Modèles, 31000 Toulouse",
                "grandair.example.com",
            ),
            share: 60,
            campaigns: vec![running_gear(), lawnmower(), tall_tree()],
        },
    ]
}

fn settings(id: &str, name: &str, imprint: &str, domain: &str) -> Value {
    json!({
        "id": id,
        "name": name,
        "imprint": imprint,
        "sender": format!("bonjour@{domain}"),
        "list_domain": domain,
        "topics": [
            {"id": "offers", "number": 0, "name": {"fr": "Offres", "en": "Offers"}},
            {"id": "news", "number": 1, "name": {"fr": "Nouvelles", "en": "News"}},
        ],
        "notice": {"id": "privacy", "version": "2026-03", "hash": "5f0c1ad7".repeat(8), "language": "fr"},
        "caps": [{"most": 2, "window_days": 7}],
    })
}

fn uses(attributes: &[(&str, &str, &str)]) -> Value {
    attributes
        .iter()
        .map(|(attribute, fr, en)| json!({"attribute": attribute, "because": {"fr": fr, "en": en}}))
        .collect()
}

fn exhibition() -> DemoCampaign {
    DemoCampaign {
        about: "skip-the-line tickets for an exhibition, only near it",
        offer: json!({
            "id": "expo-lumieres",
            "title": {"fr": "Coupe-file pour « Lumières d’hiver »", "en": "Skip the line for “Winter Lights”"},
            "text": {
                "fr": "L’exposition est près de chez vous jusqu’au 3 janvier : entrez sans attendre, au tarif habituel.",
                "en": "The exhibition is near you until 3 January: walk straight in, at the usual price."
            },
            "link": "https://lumen.example.com/lumieres",
            "category": "exhibition-tickets",
            "places": [
                {"id": "lyon", "name": "Halle Lumen, Lyon", "latitude": 45.7640, "longitude": 4.8357, "radius_m": 30_000},
                {"id": "paris", "name": "Lumen Paris", "latitude": 48.8566, "longitude": 2.3522, "radius_m": 25_000},
            ],
            "uses": uses(&[
                ("home", "pour ne vous parler que de ce qui est près de chez vous", "to tell you only of what is near you"),
                ("interests", "pour savoir si les expositions vous plaisent", "to know whether you like exhibitions"),
                ("purchases", "pour savoir si vous allez aux expositions", "to know whether you go to exhibitions"),
            ]),
            "window": {"from": "2026-11-20T00:00:00Z", "until": "2027-01-03T18:00:00Z"},
        }),
        campaign: json!({
            "id": "expo-lumieres", "offer": "expo-lumieres", "topic": "offers", "goal": "inform", "threshold_bp": 4_000,
        }),
    }
}

fn running_gear() -> DemoCampaign {
    DemoCampaign {
        about: "running gear, after a purchase of technical running shoes",
        offer: json!({
            "id": "tenue-running",
            "title": {"fr": "De quoi courir cet hiver", "en": "All you need to run this winter"},
            "text": {
                "fr": "Vestes légères, gants et frontales : ce qui va avec vos chaussures quand il fait froid.",
                "en": "Light jackets, gloves and head torches: what goes with your shoes when it is cold."
            },
            "link": "https://grandair.example.com/running",
            "category": "running-gear",
            "uses": uses(&[
                ("purchases", "parce que l’offre complète un achat récent", "because the offer goes with a recent purchase"),
                ("interests", "pour savoir si la course vous plaît", "to know whether you like running"),
                ("lifecycle", "pour ne pas écrire à qui nous connaît à peine", "to not write to people who hardly know us"),
            ]),
            "rules": [{
                "name": "bought-running-shoes",
                "when": {"purchased": "running-shoes", "within_days": 180},
                "because": {
                    "fr": "pas d’achat récent de chaussures de running",
                    "en": "no recent purchase of running shoes"
                }
            }],
            "window": {"from": "2026-11-20T00:00:00Z", "until": "2026-12-31T23:00:00Z"},
        }),
        campaign: json!({
            "id": "tenue-running", "offer": "tenue-running", "topic": "offers", "goal": "retain", "threshold_bp": 5_000,
        }),
    }
}

fn lawnmower() -> DemoCampaign {
    DemoCampaign {
        about: "a lawnmower, refused to flats without a garden",
        offer: json!({
            "id": "tondeuse",
            "title": {"fr": "La tondeuse silencieuse, à prix d’hiver", "en": "The quiet lawnmower, at its winter price"},
            "text": {
                "fr": "Commandée en décembre, livrée au printemps.",
                "en": "Order in December, delivered in spring."
            },
            "link": "https://grandair.example.com/tondeuse",
            "category": "lawnmower",
            "uses": uses(&[
                ("dwelling.garden", "parce qu’il faut un jardin", "because it takes a garden"),
                ("interests", "pour savoir si le jardin vous plaît", "to know whether you like gardening"),
                ("purchases", "pour ne pas proposer ce que vous avez", "to not offer what you have"),
                ("lifecycle", "pour ne pas écrire à qui nous connaît à peine", "to not write to people who hardly know us"),
            ]),
            "rules": [{
                "name": "needs-a-garden",
                "when": {"attribute": "dwelling.garden", "is": true},
                "because": {"fr": "pas de jardin à tondre", "en": "there is no garden to mow"}
            }],
            "window": {"from": "2026-11-20T00:00:00Z", "until": "2027-01-31T23:00:00Z"},
        }),
        campaign: json!({
            "id": "tondeuse", "offer": "tondeuse", "topic": "offers", "goal": "retain", "threshold_bp": 5_000,
        }),
    }
}

fn tall_tree() -> DemoCampaign {
    DemoCampaign {
        about: "a three-metre Christmas tree, refused to flats without a lift",
        offer: json!({
            "id": "sapin-3m",
            "title": {"fr": "Un sapin de trois mètres, livré chez vous", "en": "A three-metre tree, delivered to your door"},
            "text": {
                "fr": "Coupé la veille, livré debout. Il lui faut une pièce haute et un chemin jusqu’à elle.",
                "en": "Cut the day before, delivered upright. It needs a high room and a way up to it."
            },
            "link": "https://grandair.example.com/sapin",
            "category": "christmas-tree-3m",
            "uses": uses(&[
                ("dwelling.kind", "parce qu’un sapin de trois mètres ne va pas partout", "because a three-metre tree does not fit everywhere"),
                ("dwelling.lift", "parce qu’il ne monte pas par l’escalier", "because it does not go up the stairs"),
                ("dwelling.floor", "parce qu’il ne monte pas par l’escalier", "because it does not go up the stairs"),
                ("dwelling.ceiling_height", "parce qu’il mesure trois mètres", "because it is three metres tall"),
                ("interests", "pour savoir si Noël vous plaît", "to know whether you like Christmas"),
                ("purchases", "pour ne pas proposer ce que vous avez", "to not offer what you have"),
                ("lifecycle", "pour ne pas écrire à qui nous connaît à peine", "to not write to people who hardly know us"),
            ]),
            "rules": [
                {
                    "name": "gets-to-the-door",
                    "when": {"any": [
                        {"attribute": "dwelling.kind", "is": "house"},
                        {"attribute": "dwelling.lift", "is": true},
                        {"attribute": "dwelling.floor", "at_most": 1},
                    ]},
                    "because": {"fr": "un appartement en étage, sans ascenseur", "en": "a flat upstairs, without a lift"}
                },
                {
                    "name": "stands-upright",
                    "when": {"attribute": "dwelling.ceiling_height", "at_least": 31},
                    "unknown": "neutral",
                    "because": {"fr": "le plafond est trop bas", "en": "the ceiling is too low"}
                },
            ],
            "window": {"from": "2026-11-25T00:00:00Z", "until": "2026-12-20T18:00:00Z"},
        }),
        campaign: json!({
            "id": "sapin-3m", "offer": "sapin-3m", "topic": "offers", "goal": "inform", "threshold_bp": 5_000,
            "minimum_evidence_bp": 2_000,
        }),
    }
}

#[cfg(test)]
mod tests {
    use apropos_core::brand::Brand;
    use apropos_core::document::{CampaignDocument, OfferDocument};

    use super::*;

    #[test]
    fn every_brand_offer_and_campaign_is_accepted_by_the_domain() {
        for brand in brands() {
            Brand::try_from(&brand.document().unwrap()).unwrap();
            for campaign in brand.campaigns {
                let offer: OfferDocument = serde_json::from_value(campaign.offer).unwrap();
                offer.store(1).unwrap().parse().unwrap();
                let document: CampaignDocument = serde_json::from_value(campaign.campaign).unwrap();
                document.parse(1).unwrap();
            }
        }
    }
}
