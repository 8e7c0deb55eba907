//! The categories of Google's product taxonomy that mean one of ours or hold it whole.

use super::Listed;
use crate::category::Category;

/// A category of Google's product taxonomy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoogleCategory {
    /// The number, as in `google_product_category`.
    pub id: u32,
    /// The last two steps of its path.
    pub path: &'static str,
}

/// Google's code for a category.
///
/// ```
/// use apropos_core::category::Category;
/// use apropos_core::product_code::google;
///
/// assert_eq!(google(Category::from_slug("robot-lawnmower")?).map(|code| code.id), Some(6_788));
/// assert_eq!(google(Category::from_slug("weekend-stay")?), None);
/// # Ok::<(), apropos_core::category::UnknownCategory>(())
/// ```
#[must_use]
pub fn google(category: Category) -> Option<GoogleCategory> {
    GOOGLE
        .iter()
        .find(|(slug, ..)| *slug == category.slug())
        .map(|(_, id, path)| GoogleCategory { id: *id, path })
}

pub(super) const GOOGLE: [Listed; 44] = [
    ("lawnmower", 694, "Outdoor Power Equipment > Lawn Mowers"),
    ("robot-lawnmower", 6_788, "Lawn Mowers > Robotic Mowers"),
    ("hedge-trimmer", 3_120, "Outdoor Power Equipment > Hedge Trimmers"),
    ("garden-tools", 3_173, "Gardening > Gardening Tools"),
    ("plants-and-seeds", 985, "Home & Garden > Plants"),
    ("garden-furniture", 4_299, "Furniture > Outdoor Furniture"),
    ("barbecue", 2_985, "Kitchen Appliances > Outdoor Grills"),
    ("bicycle", 1_026, "Cycling > Bicycles"),
    ("bicycle-gear", 3_214, "Cycling > Bicycle Accessories"),
    ("fitness-equipment", 990, "Sporting Goods > Exercise & Fitness"),
    ("hiking-gear", 1_013, "Outdoor Recreation > Camping & Hiking"),
    ("camping-gear", 1_013, "Outdoor Recreation > Camping & Hiking"),
    ("mattress", 2_696, "Beds & Accessories > Mattresses"),
    ("bedding", 569, "Linens & Bedding > Bedding"),
    ("sofa", 460, "Furniture > Sofas"),
    ("tall-wardrobe", 4_063, "Cabinets & Storage > Armoires & Wardrobes"),
    ("lighting", 594, "Home & Garden > Lighting"),
    ("washing-machine", 2_549, "Laundry Appliances > Washing Machines"),
    ("tumble-dryer", 2_612, "Laundry Appliances > Dryers"),
    ("wood-stove", 2_639, "Home & Garden > Wood Stoves"),
    ("vacuum-cleaner", 619, "Household Appliances > Vacuums"),
    (
        "vacuum-filters",
        618,
        "Household Appliance Accessories > Vacuum Accessories",
    ),
    ("christmas-decorations", 596, "Decor > Seasonal & Holiday Decorations"),
    ("candles", 588, "Home Fragrances > Candles"),
    ("wall-art", 500_044, "Artwork > Posters, Prints, & Visual Artwork"),
    ("exhibition-tickets", 499_969, "Arts & Entertainment > Event Tickets"),
    ("concert-tickets", 499_969, "Arts & Entertainment > Event Tickets"),
    ("theatre-tickets", 499_969, "Arts & Entertainment > Event Tickets"),
    ("books", 784, "Media > Books"),
    (
        "coffee-machine",
        736,
        "Kitchen Appliances > Coffee Makers & Espresso Machines",
    ),
    ("coffee-pods", 1_868, "Beverages > Coffee"),
    ("cookware", 654, "Cookware & Bakeware > Cookware"),
    ("kitchen-knives", 665, "Kitchen Tools & Utensils > Kitchen Knives"),
    ("stand-mixer", 505_666, "Kitchen Appliances > Food Mixers & Blenders"),
    ("power-drill", 1_217, "Tools > Drills"),
    ("paint", 1_361, "Painting Consumables > Paint"),
    ("pushchair", 568, "Baby Transport > Baby Strollers"),
    ("child-car-seat", 547, "Baby Transport > Baby & Toddler Car Seats"),
    ("nappies", 551, "Diapering > Diapers"),
    ("baby-clothes", 182, "Clothing > Baby & Toddler Clothing"),
    ("dog-food", 3_530, "Dog Supplies > Dog Food"),
    ("cat-food", 3_367, "Cat Supplies > Cat Food"),
    ("suitcase", 107, "Luggage & Bags > Suitcases"),
    ("smartphone", 267, "Telephony > Mobile Phones"),
];
