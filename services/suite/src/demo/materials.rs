#![doc = "What own production is made of: raw materials, flavours, packaging, and the premixes weighed in beforehand."]
//!
//! None of it is sold, so it is no product of the orders service: erp alone keeps it, as items.

use rust_decimal::Decimal;

/// Something stock is kept of but nobody sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Material {
    /// Stock keeping unit.
    pub sku: String,
    /// Russian name.
    pub name: String,
    /// Unit code.
    pub unit: &'static str,
    /// What one unit costs when it is bought; `None` when it is made or comes out as waste.
    pub unit_cost: Option<Decimal>,
    /// Shelf life; `None` when it does not expire.
    pub shelf_life_days: Option<u32>,
}

/// Code, name, roubles a kilogram, shelf life in days.
const RAW: [(&str, &str, i64, u32); 66] = [
    ("WPC80", "Концентрат сывороточного белка 80 %", 780, 540),
    ("WPI90", "Изолят сывороточного белка 90 %", 1_150, 540),
    ("CASEIN", "Мицеллярный казеин", 980, 540),
    ("SOYISO", "Изолят соевого белка", 420, 540),
    ("COLLAGEN", "Гидролизат коллагена", 1_100, 720),
    ("MALTO", "Мальтодекстрин", 110, 720),
    ("DEXTROSE", "Декстроза", 95, 720),
    ("OATFL", "Овсяная мука", 80, 360),
    ("MCTOIL", "Масло МСТ сухое", 890, 540),
    ("LECITHIN", "Лецитин подсолнечный", 350, 540),
    ("XANTHAN", "Ксантановая камедь", 620, 720),
    ("ENZYME", "Ферментный комплекс", 6_400, 720),
    ("CREATINE", "Креатин моногидрат", 1_050, 1_080),
    ("LEUCINE", "L-лейцин", 1_450, 1_080),
    ("ISOLEUC", "L-изолейцин", 2_100, 1_080),
    ("VALINE", "L-валин", 1_600, 1_080),
    ("LYSINE", "L-лизин", 520, 1_080),
    ("THREONINE", "L-треонин", 610, 1_080),
    ("PHENYLAL", "L-фенилаланин", 1_900, 1_080),
    ("METHIONINE", "L-метионин", 780, 1_080),
    ("HISTIDINE", "L-гистидин", 3_900, 1_080),
    ("TRYPTOPHAN", "L-триптофан", 2_800, 1_080),
    ("GLUTAMINE", "L-глутамин", 1_200, 1_080),
    ("CITRULLINE", "L-цитруллин малат", 1_650, 1_080),
    ("BETAALA", "Бета-аланин", 980, 1_080),
    ("ARGININE", "L-аргинин", 1_300, 1_080),
    ("TAURINE", "Таурин", 490, 1_080),
    ("TYROSINE", "L-тирозин", 1_700, 1_080),
    ("CARNITINE", "L-карнитин тартрат", 3_200, 1_080),
    ("CAFFEINE", "Кофеин безводный", 2_600, 1_080),
    ("HYALURON", "Гиалуроновая кислота", 28_000, 720),
    ("FISHOIL", "Рыбий жир, концентрат омега-3", 2_400, 360),
    ("PEANUT", "Арахисовая паста", 390, 270),
    ("HONEY", "Мёд", 310, 540),
    ("COCOA", "Какао-порошок", 540, 720),
    ("GLYCERINE", "Глицерин пищевой", 190, 720),
    ("INULIN", "Инулин", 460, 720),
    ("SUNOIL", "Масло подсолнечное", 105, 360),
    ("SALT", "Соль пищевая", 25, 1_080),
    ("KCL", "Калия хлорид", 160, 1_080),
    ("CITRIC", "Лимонная кислота", 140, 1_080),
    ("SUCRALOSE", "Сукралоза", 4_900, 1_080),
    ("ACESULF", "Ацесульфам калия", 1_900, 1_080),
    ("MCC", "Микрокристаллическая целлюлоза", 380, 1_080),
    ("MGST", "Магния стеарат", 520, 1_080),
    ("SIO2", "Диоксид кремния", 450, 1_080),
    ("MGCIT", "Магния цитрат", 680, 1_080),
    ("ZNPIC", "Цинка пиколинат", 4_200, 1_080),
    ("FEBIS", "Железа бисглицинат", 2_300, 1_080),
    ("CACARB", "Кальция карбонат", 90, 1_080),
    ("SELENO", "Селенометионин", 9_500, 1_080),
    ("KIODIDE", "Калия йодид", 7_800, 1_080),
    ("CUGLUC", "Меди глюконат", 1_900, 1_080),
    ("MNGLUC", "Марганца глюконат", 1_400, 1_080),
    ("CRPIC", "Хрома пиколинат", 8_900, 1_080),
    ("VITA", "Витамин A, ретинола ацетат", 9_800, 540),
    ("VITB1", "Витамин B1", 3_900, 720),
    ("VITB2", "Витамин B2", 4_600, 720),
    ("VITB3", "Витамин B3", 1_500, 720),
    ("VITB5", "Витамин B5", 2_100, 720),
    ("VITB6", "Витамин B6", 3_700, 720),
    ("VITB12", "Витамин B12, 1 % на носителе", 12_500, 720),
    ("VITC", "Витамин C", 950, 720),
    ("VITD3", "Витамин D3, 100 тыс. МЕ/г", 8_400, 540),
    ("VITE", "Витамин E", 2_700, 540),
    ("FOLIC", "Фолиевая кислота", 11_000, 720),
];

/// Code, name, kopecks a piece.
const PACKAGING: [(&str, &str, i64); 14] = [
    ("POUCH", "Дой-пак", 1_450),
    ("BUCKET", "Ведро 3 кг с крышкой", 8_900),
    ("JAR1L", "Банка 1,9 л с крышкой", 4_800),
    ("JAR05L", "Банка 0,5 л с крышкой", 2_700),
    ("BOTTLE", "Флакон 200 мл с крышкой", 1_250),
    ("BOTTLEXL", "Флакон 500 мл с крышкой", 2_100),
    ("LABEL", "Этикетка", 180),
    ("SCOOP", "Мерная ложка", 240),
    ("SILICA", "Пакетик силикагеля", 65),
    ("CARTON", "Гофрокороб", 4_200),
    ("WRAP", "Обёртка батончика", 95),
    ("SHOWBOX", "Шоубокс", 1_900),
    ("CAPSULE", "Капсула желатиновая № 0", 12),
    ("SOFTGEL", "Капсула мягкая желатиновая", 22),
];

/// Flavours in the order of the variants; the last variant has none.
const FLAVOURS: [(&str, i64); 10] = [
    ("шоколад", 1_250),
    ("ваниль", 1_900),
    ("клубника", 1_400),
    ("банан", 1_150),
    ("печенье и крем", 1_700),
    ("кокос", 1_350),
    ("фисташка", 2_200),
    ("манго", 1_500),
    ("вишня", 1_300),
    ("кофе", 1_450),
];

/// Premixes: code, name.
const PREMIXES: [(&str, &str); 3] =
    [("VITA", "Премикс витаминный"), ("BVIT", "Премикс витаминов группы B"), ("MIN", "Премикс минеральный")];

/// What sweeping the powder line leaves.
pub const DUST: &str = "WS-DUST";

/// A raw material.
pub fn raw(code: &str) -> String {
    format!("RM-{code}")
}

/// Packaging.
pub fn packaging(code: &str) -> String {
    format!("PK-{code}")
}

/// The flavouring of a variant.
pub fn flavouring(variant: usize) -> String {
    format!("RM-FL-{:02}", variant + 1)
}

/// The flavour premix of a variant; `None` for the variant without flavour.
pub fn flavour_premix(variant: usize) -> Option<String> {
    (variant < FLAVOURS.len()).then(|| format!("PM-FL-{:02}", variant + 1))
}

/// A premix.
pub fn premix(code: &str) -> String {
    format!("PM-{code}")
}

/// Number of flavours.
pub const fn flavours() -> usize {
    FLAVOURS.len()
}

/// Everything own production takes and nobody sells.
pub fn all() -> Vec<Material> {
    let bought =
        |sku, name, unit, cost, life| Material { sku, name, unit, unit_cost: Some(cost), shelf_life_days: life };
    let made = |sku, name, life| Material { sku, name, unit: "kg", unit_cost: None, shelf_life_days: life };
    let raws = RAW
        .iter()
        .map(|(code, name, cost, life)| bought(raw(code), (*name).to_owned(), "kg", Decimal::from(*cost), Some(*life)));
    let flavourings = (0..).zip(FLAVOURS).map(|(variant, (name, cost))| {
        bought(flavouring(variant), format!("Ароматизатор «{name}»"), "kg", Decimal::from(cost), Some(540))
    });
    let packs = PACKAGING
        .iter()
        .map(|(code, name, cost)| bought(packaging(code), (*name).to_owned(), "pcs", Decimal::new(*cost, 2), None));
    let flavoured = (0..).zip(FLAVOURS).filter_map(|(variant, (name, _))| {
        Some(made(flavour_premix(variant)?, format!("Премикс вкусовой «{name}»"), Some(360)))
    });
    let premixes = PREMIXES.iter().map(|(code, name)| made(premix(code), (*name).to_owned(), Some(360)));
    let waste = made(DUST.to_owned(), "Отходы порошковые".to_owned(), None);
    raws.chain(flavourings).chain(packs).chain(flavoured).chain(premixes).chain([waste]).collect()
}
