#![doc = "Recipes of own production: every good from 3 to 15 ingredients, premixes below some of them, premixes in premixes."]

use rust_decimal::Decimal;

use super::materials::{DUST, flavour_premix, flavouring, flavours, packaging, premix, raw};
use super::nutrition::{self, Variant};

/// An ingredient of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ingredient {
    /// Stock keeping unit.
    pub sku: String,
    /// How much.
    pub quantity: Decimal,
    /// Of what: `kg`, `g` or `pcs`.
    pub unit: &'static str,
    /// Percent lost.
    pub loss: Decimal,
}

/// What a batch is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipe {
    /// Product.
    pub sku: String,
    /// Size of the batch.
    pub batch: Decimal,
    /// Unit of the batch.
    pub unit: &'static str,
    /// Percent lost of what is made.
    pub loss: Decimal,
    /// Ingredients.
    pub ingredients: Vec<Ingredient>,
    /// What is swept up, in kilograms.
    pub waste: Option<(&'static str, Decimal)>,
    /// Cost of a batch beside the material: what for, roubles.
    pub batch_cost: (&'static str, Decimal),
    /// Cost of a unit beside the material: what for, roubles.
    pub unit_cost: (&'static str, Decimal),
}

/// Jars, bottles or boxes of a batch: a multiple of what a carton holds.
const BATCH: i64 = 240;
const CARTON: i64 = 12;
const PREMIX_KG: i64 = 50;

/// Ingredients beside the main one, in thousandths of the mass; a code that begins with `+` is a premix.
type Others = &'static [(&'static str, i64)];

/// The mixes of the kinds of goods, by their codes.
const MIXES: [(&str, &str, Others); 20] = [
    ("WHEY", "WPC80", &[("LECITHIN", 5), ("XANTHAN", 2), ("ENZYME", 1)]),
    ("ISOL", "WPI90", &[("LECITHIN", 5), ("ENZYME", 2)]),
    ("CASE", "CASEIN", &[("LECITHIN", 8), ("XANTHAN", 4)]),
    ("SOYP", "SOYISO", &[("LECITHIN", 8), ("XANTHAN", 3), ("ENZYME", 2)]),
    (
        "GAIN",
        "MALTO",
        &[
            ("WPC80", 250),
            ("OATFL", 120),
            ("DEXTROSE", 100),
            ("MCTOIL", 20),
            ("+VITA", 8),
            ("LECITHIN", 6),
            ("XANTHAN", 3),
        ],
    ),
    ("CREA", "CREATINE", &[]),
    ("BCAA", "LEUCINE", &[("ISOLEUC", 240), ("VALINE", 240), ("LECITHIN", 4)]),
    (
        "EAAS",
        "LEUCINE",
        &[
            ("LYSINE", 150),
            ("ISOLEUC", 120),
            ("VALINE", 120),
            ("THREONINE", 100),
            ("PHENYLAL", 80),
            ("METHIONINE", 50),
            ("HISTIDINE", 40),
            ("TRYPTOPHAN", 20),
        ],
    ),
    ("GLUT", "GLUTAMINE", &[]),
    ("CITR", "CITRULLINE", &[("CITRIC", 30)]),
    ("BETA", "BETAALA", &[]),
    ("CARN", "CARNITINE", &[("+BVIT", 20)]),
    (
        "PREW",
        "CITRULLINE",
        &[
            ("BETAALA", 200),
            ("CREATINE", 180),
            ("ARGININE", 120),
            ("TAURINE", 80),
            ("TYROSINE", 60),
            ("CAFFEINE", 12),
            ("+BVIT", 8),
        ],
    ),
    ("ISOT", "DEXTROSE", &[("MALTO", 300), ("CITRIC", 40), ("SALT", 12), ("MGCIT", 10), ("KCL", 8), ("VITC", 4)]),
    (
        "PBAR",
        "OATFL",
        &[
            ("WPC80", 250),
            ("HONEY", 150),
            ("PEANUT", 120),
            ("INULIN", 60),
            ("COCOA", 50),
            ("GLYCERINE", 40),
            ("SUNOIL", 30),
            ("SALT", 3),
        ],
    ),
    ("COLL", "COLLAGEN", &[("VITC", 20), ("HYALURON", 3)]),
    ("OMEG", "FISHOIL", &[("VITE", 5)]),
    ("VITD", "MCTOIL", &[("VITD3", 4), ("VITE", 5)]),
    ("ZMAG", "MGCIT", &[("ZNPIC", 45), ("VITB6", 12)]),
    (
        "MULT",
        "+VITA",
        &[
            ("+MIN", 380),
            ("VITC", 60),
            ("INULIN", 40),
            ("TAURINE", 25),
            ("LYSINE", 20),
            ("HYALURON", 2),
            ("CARNITINE", 15),
        ],
    ),
];

/// The mix of a kind of goods.
fn mix(code: &str) -> (&'static str, Others) {
    MIXES.iter().find(|(kind, ..)| *kind == code).map_or(("MALTO", &[]), |(_, main, others)| (*main, *others))
}

fn sku(code: &str) -> String {
    code.strip_prefix('+').map_or_else(|| raw(code), premix)
}

/// So much of a weighed ingredient: grams below a kilogram.
fn weighed(sku: String, kilograms: Decimal, loss: Decimal) -> Ingredient {
    if kilograms < Decimal::ONE {
        return Ingredient { sku, quantity: (kilograms * Decimal::ONE_THOUSAND).normalize(), unit: "g", loss };
    }
    Ingredient { sku, quantity: kilograms.normalize(), unit: "kg", loss }
}

fn counted(code: &str, pieces: i64) -> Ingredient {
    Ingredient { sku: packaging(code), quantity: Decimal::from(pieces), unit: "pcs", loss: Decimal::new(5, 1) }
}

/// The parts of `kilograms`: the main ingredient takes what the others leave.
fn parts(kilograms: Decimal, main: String, others: Vec<(String, i64)>, loss: Decimal) -> Vec<Ingredient> {
    let share = |thousandths: i64| kilograms * Decimal::new(thousandths, 3);
    let rest = 1_000 - others.iter().map(|(_, thousandths)| thousandths).sum::<i64>();
    let all = std::iter::once((main, rest)).chain(others);
    all.map(|(sku, thousandths)| weighed(sku, share(thousandths), loss)).collect()
}

/// The recipe of good number `n` of own production.
pub fn of_good(n: u64) -> Recipe {
    let Variant { code, powder, grams, pack, variant, .. } = nutrition::variant(n);
    let (main, others) = mix(code);
    let mut others: Vec<_> = others.iter().map(|(code, thousandths)| (sku(code), *thousandths)).collect();
    let mut ingredients;
    let kilograms;
    if powder {
        kilograms = Decimal::new(BATCH * grams, 3);
        let flavour = flavour_premix(variant);
        others.extend(flavour.iter().map(|premix| (premix.clone(), 25)));
        ingredients = parts(kilograms, sku(main), others, Decimal::new(15, 1));
        ingredients.extend(powder_packs(code, grams, flavour.is_some()));
    } else {
        // Six tenths of a gram a capsule, of which a tenth is filler.
        kilograms = Decimal::new(BATCH * pack * 6, 4);
        let soft = matches!(code, "OMEG" | "VITD");
        if !soft {
            others.extend([(raw("MCC"), 85), (raw("MGST"), 10), (raw("SIO2"), 5)]);
        }
        ingredients = parts(kilograms, sku(main), others, Decimal::ONE);
        ingredients.push(counted(if soft { "SOFTGEL" } else { "CAPSULE" }, BATCH * pack));
        ingredients.push(counted(if pack > 120 { "BOTTLEXL" } else { "BOTTLE" }, BATCH));
        ingredients.push(counted("LABEL", BATCH));
        ingredients.push(counted("SILICA", BATCH));
    }
    let labour = if powder { Decimal::from(14) } else { Decimal::from(9) };
    Recipe {
        sku: nutrition::sku(n),
        batch: Decimal::from(BATCH),
        unit: "pcs",
        loss: Decimal::new(5 + (n % 4).cast_signed() * 5, 1),
        ingredients,
        waste: powder.then(|| (DUST, (kilograms * Decimal::new(3, 3)).normalize())),
        batch_cost: ("Наладка и мойка линии", Decimal::from(if powder { 4_800 } else { 3_600 })),
        unit_cost: ("Труд и энергия", labour),
    }
}

fn powder_packs(code: &str, grams: i64, flavoured: bool) -> Vec<Ingredient> {
    if code == "PBAR" {
        return vec![counted("WRAP", BATCH * 12), counted("SHOWBOX", BATCH), counted("LABEL", BATCH)];
    }
    // Pure powders go out in pouches, without a scoop.
    if !flavoured && matches!(code, "CREA" | "GLUT") {
        return vec![counted("POUCH", BATCH), counted("LABEL", BATCH)];
    }
    let jar = match grams {
        ..=500 => "JAR05L",
        501..=1_000 => "JAR1L",
        _ => "BUCKET",
    };
    let cartons = counted("CARTON", BATCH / CARTON);
    vec![counted(jar, BATCH), counted("LABEL", BATCH), counted("SCOOP", BATCH), cartons]
}

/// The recipes of all premixes, what goes into others first.
pub fn of_premixes() -> Vec<Recipe> {
    let vitamins_b = [("VITB3", 250), ("VITB5", 90), ("VITB6", 35), ("VITB1", 30), ("VITB2", 30), ("VITB12", 4)];
    let vitamins = [("VITC", 300), ("+BVIT", 120), ("VITE", 60), ("VITA", 6), ("VITD3", 1), ("FOLIC", 1)];
    let minerals = [
        ("MGCIT", 250),
        ("FEBIS", 40),
        ("ZNPIC", 30),
        ("MNGLUC", 12),
        ("CUGLUC", 8),
        ("CRPIC", 1),
        ("SELENO", 1),
        ("KIODIDE", 1),
    ];
    let named = |others: &[(&str, i64)]| others.iter().map(|(code, share)| (sku(code), *share)).collect::<Vec<_>>();
    let mut all = vec![
        weigh_in(premix("BVIT"), raw("MALTO"), named(&vitamins_b)),
        weigh_in(premix("VITA"), raw("MALTO"), named(&vitamins)),
        weigh_in(premix("MIN"), raw("CACARB"), named(&minerals)),
    ];
    all.extend((0..flavours()).filter_map(|variant| {
        let mut others =
            vec![(flavouring(variant), 480), (raw("SUCRALOSE"), 60), (raw("ACESULF"), 40), (raw("SALT"), 15)];
        // Chocolate, cookies and coffee want cocoa, the fruits something sour.
        match variant {
            0 | 4 | 9 => others.push((raw("COCOA"), 300)),
            2 | 3 | 7 | 8 => others.push((raw("CITRIC"), 150)),
            _ => {}
        }
        Some(weigh_in(flavour_premix(variant)?, raw("MALTO"), others))
    }));
    all
}

fn weigh_in(sku: String, carrier: String, others: Vec<(String, i64)>) -> Recipe {
    Recipe {
        sku,
        batch: Decimal::from(PREMIX_KG),
        unit: "kg",
        loss: Decimal::new(8, 1),
        ingredients: parts(Decimal::from(PREMIX_KG), carrier, others, Decimal::new(5, 1)),
        waste: None,
        batch_cost: ("Взвешивание и смешивание", Decimal::from(1_900)),
        unit_cost: ("Энергия", Decimal::from(3)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use erp::boms::domain::{Basis, Bom, Boms, Cost, Line, cost, explosion};
    use types::Unit;

    use super::super::{materials, nutrition::GOODS};
    use super::*;

    fn all() -> Vec<Recipe> {
        of_premixes().into_iter().chain((0..GOODS).map(of_good)).collect()
    }

    /// As erp computes with it.
    fn bom(recipe: &Recipe, units: &BTreeMap<String, &str>) -> Bom {
        let line = |one: &Ingredient| {
            let (from, to) = (Unit::parse(one.unit).unwrap(), Unit::parse(units[&one.sku]).unwrap());
            Line { component: one.sku.clone(), quantity: from.convert(one.quantity, to).unwrap(), loss: one.loss }
        };
        let charge = |(name, amount): (&str, Decimal), basis| Cost { name: name.into(), basis, amount };
        Bom {
            sku: recipe.sku.clone(),
            number: 1,
            batch: recipe.batch,
            loss: recipe.loss,
            lines: recipe.ingredients.iter().map(line).collect(),
            by_products: Vec::new(),
            costs: vec![charge(recipe.batch_cost, Basis::Batch), charge(recipe.unit_cost, Basis::Unit)],
        }
    }

    #[test]
    fn every_good_has_a_recipe_of_3_to_15_ingredients() {
        let counts: BTreeSet<_> = (0..GOODS).map(|n| of_good(n).ingredients.len()).collect();
        assert_eq!((counts.first(), counts.last()), (Some(&3), Some(&15)));
        assert!(counts.len() > 8, "{counts:?}");
        for (n, recipe) in (0..GOODS).map(|n| (n, of_good(n))) {
            assert_eq!(recipe.sku, nutrition::good(1, n).sku);
            let skus: BTreeSet<_> = recipe.ingredients.iter().map(|one| &one.sku).collect();
            assert_eq!(skus.len(), recipe.ingredients.len(), "{}", recipe.sku);
        }
    }

    #[test]
    fn whatever_is_needed_is_an_item_in_a_fitting_unit_and_whatever_is_an_item_is_used() {
        let items = materials::all();
        let units: BTreeMap<_, _> = items.iter().map(|one| (one.sku.clone(), one.unit)).collect();
        assert_eq!(units.len(), items.len());
        let mut used = BTreeSet::from([DUST.to_owned()]);
        for one in all().into_iter().flat_map(|recipe| recipe.ingredients) {
            let unit = Unit::parse(units.get(&one.sku).unwrap_or_else(|| panic!("{} is no item", one.sku))).unwrap();
            assert!(Unit::parse(one.unit).unwrap().converts_to(unit) && one.quantity > Decimal::ZERO, "{one:?}");
            assert!(types::Quantity::new(one.quantity, Unit::parse(one.unit).unwrap()).is_ok(), "{one:?}");
            used.insert(one.sku);
        }
        let idle: Vec<_> = units.keys().filter(|sku| !used.contains(*sku)).collect();
        assert!(idle.is_empty(), "{idle:?}");
    }

    #[test]
    fn goods_cost_less_than_they_bring_and_some_are_made_of_what_is_made_of_what_is_made() {
        let items = materials::all();
        let units: BTreeMap<_, _> = items.iter().map(|one| (one.sku.clone(), one.unit)).collect();
        let unit = |cost| cost::UnitCost { cost, source: cost::Source::Given };
        let bought = items.iter().filter_map(|one| Some((one.sku.clone(), unit(one.unit_cost?)))).collect();
        let premixes: Boms = of_premixes().iter().map(|one| (one.sku.clone(), bom(one, &units))).collect();
        let mut deepest = 0;
        for n in 0..GOODS {
            let made = bom(&of_good(n), &units);
            let costs = cost::roll_up(&premixes, &made, &bought).unwrap();
            let price = nutrition::good(1, n).price;
            let percent = costs[0].unit_cost * Decimal::ONE_HUNDRED / price;
            assert!(percent > Decimal::from(4) && percent < Decimal::from(90), "{} {percent:.1} %", made.sku);
            let items = explosion::explode(&premixes, &made, Decimal::ONE, erp::boms::domain::Losses::Counted).unwrap();
            deepest = deepest.max(items.levels.len());
        }
        assert_eq!(deepest, 3);
    }
}
