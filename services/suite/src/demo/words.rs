#![doc = "Names of people, places and companies, Russian with a few English ones."]

/// Men's first names with the patronymic their children carry (sons, daughters).
pub const MEN: [(&str, &str, &str); 20] = [
    ("Александр", "Александрович", "Александровна"),
    ("Дмитрий", "Дмитриевич", "Дмитриевна"),
    ("Максим", "Максимович", "Максимовна"),
    ("Сергей", "Сергеевич", "Сергеевна"),
    ("Андрей", "Андреевич", "Андреевна"),
    ("Алексей", "Алексеевич", "Алексеевна"),
    ("Артём", "Артёмович", "Артёмовна"),
    ("Михаил", "Михайлович", "Михайловна"),
    ("Иван", "Иванович", "Ивановна"),
    ("Кирилл", "Кириллович", "Кирилловна"),
    ("Егор", "Егорович", "Егоровна"),
    ("Роман", "Романович", "Романовна"),
    ("Владимир", "Владимирович", "Владимировна"),
    ("Николай", "Николаевич", "Николаевна"),
    ("Павел", "Павлович", "Павловна"),
    ("Олег", "Олегович", "Олеговна"),
    ("Виктор", "Викторович", "Викторовна"),
    ("Юрий", "Юрьевич", "Юрьевна"),
    ("Степан", "Степанович", "Степановна"),
    ("Фёдор", "Фёдорович", "Фёдоровна"),
];

/// Women's first names.
pub const WOMEN: [&str; 18] = [
    "Анастасия",
    "Мария",
    "Анна",
    "Виктория",
    "Екатерина",
    "Наталья",
    "Ольга",
    "Елена",
    "Юлия",
    "Татьяна",
    "Ирина",
    "Светлана",
    "Дарья",
    "Полина",
    "Ксения",
    "Людмила",
    "Вера",
    "Надежда",
];

/// Surnames in the men's form; women's add `а`.
pub const SURNAMES: [&str; 30] = [
    "Иванов",
    "Смирнов",
    "Кузнецов",
    "Попов",
    "Васильев",
    "Петров",
    "Соколов",
    "Михайлов",
    "Новиков",
    "Фёдоров",
    "Морозов",
    "Волков",
    "Алексеев",
    "Лебедев",
    "Семёнов",
    "Егоров",
    "Павлов",
    "Козлов",
    "Степанов",
    "Николаев",
    "Орлов",
    "Андреев",
    "Макаров",
    "Никитин",
    "Захаров",
    "Зайцев",
    "Соловьёв",
    "Борисов",
    "Яковлев",
    "Григорьев",
];

/// English first names.
pub const ENGLISH_FIRST: [&str; 16] = [
    "James",
    "Olivia",
    "William",
    "Emma",
    "Henry",
    "Charlotte",
    "Jack",
    "Amelia",
    "Thomas",
    "Grace",
    "George",
    "Lucy",
    "Daniel",
    "Alice",
    "Samuel",
    "Ruth",
];

/// English surnames.
pub const ENGLISH_LAST: [&str; 16] = [
    "Smith", "Jones", "Taylor", "Brown", "Wilson", "Evans", "Walker", "Wright", "Green", "Hall", "Wood", "Clarke",
    "Hughes", "Baker", "Carter", "Fisher",
];

/// Region code, city, street names: where parcels go; the first ones more often.
pub const PLACES: [(&str, &str); 24] = [
    ("RU-MOW", "Москва"),
    ("RU-SPE", "Санкт-Петербург"),
    ("RU-MOS", "Подольск"),
    ("RU-SVE", "Екатеринбург"),
    ("RU-NVS", "Новосибирск"),
    ("RU-TA", "Казань"),
    ("RU-NIZ", "Нижний Новгород"),
    ("RU-KDA", "Краснодар"),
    ("RU-SAM", "Самара"),
    ("RU-CHE", "Челябинск"),
    ("RU-BA", "Уфа"),
    ("RU-ROS", "Ростов-на-Дону"),
    ("RU-OMS", "Омск"),
    ("RU-KYA", "Красноярск"),
    ("RU-VOR", "Воронеж"),
    ("RU-PER", "Пермь"),
    ("RU-VGG", "Волгоград"),
    ("RU-SAR", "Саратов"),
    ("RU-TYU", "Тюмень"),
    ("RU-AST", "Астрахань"),
    ("RU-KR", "Петрозаводск"),
    ("RU-IRK", "Иркутск"),
    ("RU-PRI", "Владивосток"),
    ("RU-KAM", "Петропавловск-Камчатский"),
];

/// Street names.
pub const STREETS: [&str; 12] = [
    "ул. Ленина",
    "ул. Мира",
    "Садовая ул.",
    "Набережная ул.",
    "ул. Гагарина",
    "Лесная ул.",
    "Центральная ул.",
    "ул. Пушкина",
    "Школьная ул.",
    "Речная ул.",
    "проспект Победы",
    "Озёрная ул.",
];

/// Latin letters for a Russian text, lower case, as mail addresses use them; other characters are dropped.
pub fn latin(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        out.push_str(match letter {
            'а' => "a",
            'б' => "b",
            'в' => "v",
            'г' => "g",
            'д' => "d",
            'е' | 'ё' | 'э' => "e",
            'ж' => "zh",
            'з' => "z",
            'и' | 'й' => "i",
            'к' => "k",
            'л' => "l",
            'м' => "m",
            'н' => "n",
            'о' => "o",
            'п' => "p",
            'р' => "r",
            'с' => "s",
            'т' => "t",
            'у' => "u",
            'ф' => "f",
            'х' => "kh",
            'ц' => "ts",
            'ч' => "ch",
            'ш' => "sh",
            'щ' => "shch",
            'ы' => "y",
            'ю' => "yu",
            'я' => "ya",
            'a'..='z' | '0'..='9' => {
                out.push(letter);
                continue;
            }
            _ => continue,
        });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn russian_becomes_latin() {
        assert_eq!(latin("Щукин Пётр-2"), "shchukinpetr2");
    }
}
