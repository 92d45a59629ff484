//! What a parameter says, in words. The figures were stored with the score, so the words fit it for ever.

use super::Parameter;

/// A language of the explanations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// Russian.
    Russian,
    /// English.
    English,
}

/// What to say when there is not enough to measure, and otherwise; `{v}` is the value, `{0}` and so on the figures.
fn texts(number: u8, language: Language) -> (&'static str, &'static str) {
    use Language::{English, Russian};
    match (number, language) {
        (1, Russian) => ("Заказов ещё не было.", "Дней с последнего заказа: {v} (заказ от {0})."),
        (1, English) => ("No order yet.", "Days since the last order: {v} (placed on {0})."),
        (2, Russian) => ("Заказов ещё не было.", "Заказов за последние 365 дней: {v}."),
        (2, English) => ("No order yet.", "Orders within the last 365 days: {v}."),
        (3, Russian) => ("Нет заказов с суммой.", "Сумма заказов за всё время: {v}, заказов: {0}."),
        (3, English) => ("No order with a sum.", "Order sum over all time: {v}, orders: {0}."),
        (4, Russian) => ("Нет заказов с суммой.", "Средний чек: {v} (сумма {0}, заказов: {1})."),
        (4, English) => ("No order with a sum.", "Average check: {v} (sum {0}, orders: {1})."),
        (5, Russian) => ("Заказов ещё не было.", "Дней с первого заказа: {v} (заказ от {0})."),
        (5, English) => ("No order yet.", "Days since the first order: {v} (placed on {0})."),
        (6, Russian) => (
            "Ритм виден с третьего заказа.",
            "Отклонение от ритма: {v} (средний интервал, дней: {0}; интервалов: {1}; 0 означает равные интервалы).",
        ),
        (6, English) => (
            "The rhythm shows from the third order on.",
            "Variation of the rhythm: {v} (mean interval in days: {0}; intervals: {1}; 0 means equal intervals).",
        ),
        (7, Russian) => ("Нет заказов с суммой.", "Возвращено {0} % суммы: {1} из {2}."),
        (7, English) => ("No order with a sum.", "Returned: {0} % of the sum, {1} of {2}."),
        (8, Russian) => ("Отгрузок ещё не было.", "Не выкуплено {0} % заказов: {1} из {2} отгруженных."),
        (8, English) => ("Nothing was shipped yet.", "Not collected: {0} % of the orders, {1} of {2} shipped."),
        (9, Russian) => (
            "Нет данных.",
            "Нагрузка на заказ за 365 дней: {v} (жалоб: {0}, возвратов по браку: {1}, неудачных доставок: {2}, \
             других обращений: {3}, заказов: {4}).",
        ),
        (9, English) => (
            "No data.",
            "Load per order within 365 days: {v} (complaints: {0}, returns for a defect: {1}, failed deliveries: {2}, \
             other contacts: {3}, orders: {4}).",
        ),
        (10, Russian) => ("Нет заказов с суммой.", "Скидки составляют {0} % цены: {1} из {2}."),
        (10, English) => ("No order with a sum.", "Discounts are {0} % of the price: {1} of {2}."),
        (11, Russian) => (
            "Интересы видны со второго заказа с категориями.",
            "Сосредоточенность на категориях: {v} (чаще всего «{0}», {1} % суммы; категорий: {2}).",
        ),
        (11, English) => (
            "Interests show from the second order with categories on.",
            "Concentration on categories: {v} (most of all “{0}”, {1} % of the sum; categories: {2}).",
        ),
        _ => ("", ""),
    }
}

/// The explanation of a parameter.
#[must_use]
pub fn explain(parameter: &Parameter, language: Language) -> String {
    let (without_data, with_data) = texts(parameter.number, language);
    let Some(value) = parameter.value else {
        return without_data.to_owned();
    };
    let mut text = String::with_capacity(with_data.len() + 32);
    let mut rest = with_data;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, tail)) = after.split_once('}') else {
            break;
        };
        text.push_str(before);
        match name.parse::<usize>() {
            Ok(index) => text.push_str(parameter.figures.get(index).map_or("?", String::as_str)),
            Err(_) => text.push_str(&value.to_string()),
        }
        rest = tail;
    }
    text.push_str(rest);
    text
}
