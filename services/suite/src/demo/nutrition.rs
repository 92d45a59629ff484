#![doc = "Sports nutrition of own production: 20 kinds in 11 variants each."]

use rust_decimal::Decimal;

use super::chance::Chance;
use super::goods::{Good, barcode};

/// Number of goods of own production.
pub const GOODS: u64 = 220;

const VARIANTS: u64 = 11;

/// Product code, Russian name, category, powder (flavours) or capsules (pack sizes), price in roubles, grams, shelf life.
const KINDS: [(&str, &str, &str, bool, i64, i64, u32); 20] = [
    ("WHEY", "Сывороточный протеин", "Протеины", true, 2_490, 900, 540),
    ("ISOL", "Изолят протеина", "Протеины", true, 3_290, 900, 540),
    ("CASE", "Казеин", "Протеины", true, 2_890, 900, 540),
    ("SOYP", "Соевый протеин", "Протеины", true, 1_790, 900, 540),
    ("GAIN", "Гейнер", "Гейнеры", true, 1_990, 3_000, 540),
    ("CREA", "Креатин моногидрат", "Креатин", true, 1_190, 300, 730),
    ("BCAA", "BCAA 2:1:1", "Аминокислоты", true, 1_490, 300, 730),
    ("EAAS", "Незаменимые аминокислоты EAA", "Аминокислоты", true, 1_690, 300, 730),
    ("GLUT", "L-глутамин", "Аминокислоты", true, 1_090, 300, 730),
    ("CITR", "L-цитруллин малат", "Аминокислоты", true, 1_290, 200, 730),
    ("BETA", "Бета-аланин", "Аминокислоты", false, 1_090, 150, 730),
    ("CARN", "L-карнитин", "Контроль веса", false, 1_190, 150, 730),
    ("PREW", "Предтренировочный комплекс", "Энергия", true, 1_890, 300, 540),
    ("ISOT", "Изотонический напиток", "Энергия", true, 890, 500, 540),
    ("PBAR", "Протеиновый батончик, 12 шт.", "Батончики", true, 1_390, 720, 270),
    ("COLL", "Коллаген с витамином C", "Суставы и связки", true, 1_590, 300, 540),
    ("OMEG", "Омега-3", "Витамины", false, 890, 160, 730),
    ("VITD", "Витамин D3", "Витамины", false, 590, 80, 730),
    ("ZMAG", "Цинк и магний", "Витамины", false, 790, 120, 730),
    ("MULT", "Мультивитамины", "Витамины", false, 990, 150, 730),
];

const FLAVOURS: [&str; VARIANTS as usize] = [
    "шоколад",
    "ваниль",
    "клубника",
    "банан",
    "печенье и крем",
    "кокос",
    "фисташка",
    "манго",
    "вишня",
    "кофе",
    "без вкуса",
];

const PACKS: [i64; VARIANTS as usize] = [30, 45, 60, 75, 90, 100, 120, 150, 180, 240, 360];

/// What tells a good of own production from the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// Code of the kind.
    pub code: &'static str,
    /// Name of the kind.
    pub name: &'static str,
    /// Category.
    pub category: &'static str,
    /// Powder in flavours; else capsules in packs.
    pub powder: bool,
    /// Price of the kind in roubles.
    pub price: i64,
    /// Net weight of the kind in grams.
    pub grams: i64,
    /// Shelf life in days.
    pub shelf_life: u32,
    /// Number of the variant within the kind.
    pub variant: usize,
    /// Capsules in a pack.
    pub pack: i64,
}

/// The variant of good number `n`, below [`GOODS`].
pub fn variant(n: u64) -> Variant {
    let (code, name, category, powder, price, grams, shelf_life) = KINDS[(n / VARIANTS) as usize % KINDS.len()];
    let variant = (n % VARIANTS) as usize;
    Variant { code, name, category, powder, price, grams, shelf_life, variant, pack: PACKS[variant] }
}

/// Stock keeping unit of good number `n`.
pub fn sku(n: u64) -> String {
    let Variant { code, variant, .. } = variant(n);
    format!("SN-{code}-{:02}", variant + 1)
}

/// Good number `n` of own production, `n` below [`GOODS`].
pub fn good(seed: u64, n: u64) -> Good {
    let Variant { name, category, powder, price, grams, shelf_life, variant, pack, .. } = variant(n);
    let mut chance = Chance::new(seed, "nutrition", n);
    let (title, price, grams) = if powder {
        (format!("{name}, {}", FLAVOURS[variant]), price + 50 * variant as i64, grams)
    } else {
        (format!("{name}, {pack} капсул"), price * (pack + 60) / 120 / 10 * 10, grams * pack / 90)
    };
    let price = Decimal::from(price);
    Good {
        sku: sku(n),
        name: title,
        category: format!("Спортивное питание/{category}"),
        brand: "Северная Форма".to_owned(),
        barcode: barcode(460_123_400_000 + n),
        price,
        unit_cost: (price * Decimal::new(chance.between(38, 52) as i64, 2)).round_dp(2),
        weight_grams: grams + 40,
        shelf_life_days: Some(shelf_life),
        supplier: None,
    }
}
