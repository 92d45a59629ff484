#![doc = "Bought fishing tackle: as many SKUs as wanted, each from one of the suppliers."]

use rust_decimal::Decimal;

use super::chance::Chance;
use super::goods::{Good, barcode};

/// Category, Russian noun, series, what is measured, lowest and highest price in roubles, grams.
struct Kind {
    category: &'static str,
    noun: &'static str,
    measure: fn(&mut Chance) -> String,
    price: (u64, u64),
    grams: (u64, u64),
}

const KINDS: [Kind; 10] = [
    Kind {
        category: "Приманки/Джиг",
        noun: "Силиконовая приманка",
        measure: inches,
        price: (190, 890),
        grams: (20, 90),
    },
    Kind {
        category: "Приманки/Воблеры", noun: "Воблер", measure: millimetres, price: (290, 1_990), grams: (5, 60)
    },
    Kind {
        category: "Приманки/Блёсны", noun: "Блесна", measure: grams, price: (150, 990), grams: (3, 40)
    },
    Kind {
        category: "Крючки и оснастка", noun: "Крючки", measure: hook, price: (90, 690), grams: (5, 30)
    },
    Kind {
        category: "Лески и шнуры", noun: "Плетёный шнур", measure: thread, price: (390, 3_490), grams: (20, 90)
    },
    Kind {
        category: "Катушки",
        noun: "Катушка безынерционная",
        measure: reel,
        price: (990, 24_990),
        grams: (180, 600),
    },
    Kind {
        category: "Удилища/Спиннинги", noun: "Спиннинг", measure: rod, price: (1_490, 34_990), grams: (90, 350)
    },
    Kind {
        category: "Прикормка", noun: "Прикормка", measure: taste, price: (120, 590), grams: (800, 1_200)
    },
    Kind {
        category: "Одежда", noun: "Костюм рыболовный", measure: size, price: (2_990, 19_990), grams: (900, 2_500)
    },
    Kind {
        category: "Туризм", noun: "Ящик рыболовный", measure: litres, price: (690, 5_990), grams: (400, 3_000)
    },
];

const BRANDS: [&str; 16] = [
    "Онега",
    "Ладога",
    "Сарма",
    "Вуокса",
    "Яуза",
    "Northbank",
    "Rivermark",
    "Kestrel",
    "Pike & Perch",
    "Tidewater",
    "Хариус",
    "Поклёвка",
    "Clearwater",
    "Ахтуба",
    "Silverfin",
    "Бобровка",
];

const SERIES: [&str; 20] = [
    "Pro",
    "Classic",
    "Storm",
    "Ультралайт",
    "Таймень",
    "Стриж",
    "Nordic",
    "Вертикаль",
    "Ночь",
    "Рассвет",
    "Deep",
    "Surface",
    "Турист",
    "Эксперт",
    "Junior",
    "Master",
    "Камыш",
    "Перекат",
    "Speed",
    "Омут",
];

fn inches(c: &mut Chance) -> String {
    format!("{},{}\" цвет {}", c.between(1, 5), c.below(10), c.between(1, 240))
}
fn millimetres(c: &mut Chance) -> String {
    format!("{} мм цвет {}", 5 * c.between(6, 30), c.between(1, 120))
}
fn grams(c: &mut Chance) -> String {
    format!("{} г цвет {}", c.between(3, 40), c.between(1, 60))
}
fn hook(c: &mut Chance) -> String {
    format!("№{}, {} шт.", c.between(1, 18), 5 * c.between(1, 10))
}
fn thread(c: &mut Chance) -> String {
    format!("0,{:02} мм {} м", c.between(6, 40), 50 * c.between(2, 6))
}
fn reel(c: &mut Chance) -> String {
    format!("{}", 500 * c.between(2, 20))
}
fn rod(c: &mut Chance) -> String {
    format!("{},{:02} м {}-{} г", c.between(1, 3), 3 * c.below(33), c.between(1, 10), c.between(12, 60))
}
fn taste(c: &mut Chance) -> String {
    c.pick(&["лещ", "карп", "карась", "плотва", "фидер", "универсальная", "зимняя", "ваниль"]).to_string()
}
fn size(c: &mut Chance) -> String {
    format!("размер {}", 2 * c.between(22, 32))
}
fn litres(c: &mut Chance) -> String {
    format!("{} л", c.between(3, 40))
}

/// SKU number `n` of the tackle, delivered by one of `suppliers` suppliers.
pub fn good(seed: u64, n: u64, suppliers: u64) -> Good {
    let mut chance = Chance::new(seed, "tackle", n);
    let kind = &KINDS[chance.favourite(KINDS.len() as u64) as usize];
    let brand = *chance.pick(&BRANDS);
    let price = Decimal::from(chance.between(kind.price.0, kind.price.1) / 10 * 10);
    let name = format!("{} {brand} {} {}", kind.noun, chance.pick(&SERIES), (kind.measure)(&mut chance));
    Good {
        sku: format!("FT-{:06}", n + 1),
        name,
        category: format!("Рыбалка/{}", kind.category),
        brand: brand.to_owned(),
        barcode: barcode(460_700_000_000 + n),
        price,
        unit_cost: (price * Decimal::new(chance.between(50, 72) as i64, 2)).round_dp(2),
        weight_grams: chance.between(kind.grams.0, kind.grams.1) as i64,
        shelf_life_days: (kind.noun == "Прикормка").then_some(365),
        supplier: Some(chance.favourite(suppliers)),
    }
}
