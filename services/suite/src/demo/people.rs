#![doc = "Customers: Russian names with a tenth of English ones, phones and mail addresses that belong to nobody."]

use super::chance::Chance;
use super::words::{ENGLISH_FIRST, ENGLISH_LAST, MEN, PLACES, STREETS, SURNAMES, WOMEN, latin};

/// A customer as an order names one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// Full name.
    pub name: String,
    /// Phone in international form, unique.
    pub phone: String,
    /// Mail address under a reserved domain, unique; one in ten has none.
    pub email: Option<String>,
    /// Region code.
    pub region: &'static str,
    /// Postal address.
    pub address: String,
}

/// Customer number `n`.
pub fn customer(seed: u64, n: u64) -> Customer {
    let mut chance = Chance::new(seed, "customer", n);
    let (name, login) = if chance.happens(100) {
        let (first, last) = (*chance.pick(&ENGLISH_FIRST), *chance.pick(&ENGLISH_LAST));
        (format!("{first} {last}"), latin(&format!("{first}{last}")))
    } else {
        russian(&mut chance)
    };
    let (region, city) = PLACES[chance.favourite(PLACES.len() as u64) as usize];
    let street = *chance.pick(&STREETS);
    let address = format!("{city}, {street}, д. {}, кв. {}", chance.between(1, 120), chance.between(1, 300));
    Customer {
        name,
        // 7,777,777 has no factor in common with 10,000,000, so every number below ten million gets its own phone.
        phone: format!("+7900{:07}", (n * 7_777_777 + 1_234_567) % 10_000_000),
        email: (!chance.happens(100)).then(|| format!("{login}{n}@example.com")),
        region,
        address,
    }
}

fn russian(chance: &mut Chance) -> (String, String) {
    let father = *chance.pick(&MEN);
    let surname = *chance.pick(&SURNAMES);
    let (first, last, patronymic) = if chance.happens(600) {
        (chance.pick(&MEN).0, surname.to_owned(), father.1)
    } else {
        (*chance.pick(&WOMEN), format!("{surname}а"), father.2)
    };
    (format!("{last} {first} {patronymic}"), latin(&format!("{first}{last}")))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_customer_has_a_phone_of_their_own_and_is_the_same_every_time() {
        let all: Vec<_> = (0..5_000).map(|n| customer(42, n)).collect();
        assert_eq!(all.iter().map(|c| &c.phone).collect::<HashSet<_>>().len(), all.len());
        assert!(all.iter().all(|c| c.phone.len() == 12));
        assert_eq!(all[17], customer(42, 17));
        assert_ne!(all[17], customer(43, 17));
    }
}
