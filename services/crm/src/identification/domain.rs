//! Spelling of contacts, and the decision whose contact it is.

use std::collections::HashMap;

use phonenumber::Mode;
use phonenumber::country::Id;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::customers::domain::tidy;

/// What a contact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Phone in E.164.
    Phone,
    /// E-mail in lower case.
    Email,
    /// Messenger account, `network:name`.
    Messenger,
    /// Id in a sales channel, `channel:id`.
    Account,
    /// Postal address.
    Address,
    /// Something that is not valid, as written.
    Note,
}

impl Kind {
    /// The word in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Messenger => "messenger",
            Self::Account => "account",
            Self::Address => "address",
            Self::Note => "note",
        }
    }

    /// Back from the database.
    #[must_use]
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Phone, Self::Email, Self::Messenger, Self::Account, Self::Address, Self::Note]
            .into_iter()
            .find(|kind| kind.code() == code)
    }

    /// True when it belongs to one customer only.
    #[must_use]
    pub fn identifies(self) -> bool {
        !matches!(self, Self::Address | Self::Note)
    }
}

/// A contact in its one spelling.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Contact {
    /// What it is.
    pub kind: Kind,
    /// The value.
    pub value: String,
}

/// Reads a phone number; `None` when it is not a valid one. Without a country code it is read as of `region`.
#[must_use]
pub fn phone(text: &str, region: Id) -> Option<Contact> {
    let text = text.trim();
    let parse = |text: &str| {
        let number = phonenumber::parse(Some(region), text).ok()?;
        number.is_valid().then(|| number.format().mode(Mode::E164).to_string())
    };
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if !(5..=20).contains(&digits.len()) {
        return None;
    }
    // `7 900 …` without its plus sign is not a national number; tried second, so that it never wins over one.
    let value = parse(text).or_else(|| (!text.starts_with('+')).then(|| parse(&format!("+{digits}"))).flatten())?;
    Some(Contact { kind: Kind::Phone, value })
}

/// Reads an e-mail address; `None` when it is not one. Checked is what mail servers check, not all of RFC 5322.
#[must_use]
pub fn email(text: &str) -> Option<Contact> {
    let value = text.trim().to_lowercase();
    let (local, domain) = value.rsplit_once('@')?;
    let dots = |part: &str| !part.starts_with('.') && !part.ends_with('.') && !part.contains("..");
    let local_good = (1..=64).contains(&local.len())
        && dots(local)
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c));
    let label_good = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let mut labels = domain.split('.');
    let top_good = domain.rsplit('.').next().is_some_and(|top| top.chars().any(char::is_alphabetic));
    let domain_good = domain.contains('.') && labels.all(label_good) && top_good;
    (local_good && domain_good && value.len() <= 254).then_some(Contact { kind: Kind::Email, value })
}

/// Reads a messenger account `network:name`; `None` when it is not one.
#[must_use]
pub fn messenger(text: &str) -> Option<Contact> {
    let value = text.trim().to_lowercase();
    let (network, name) = value.split_once(':')?;
    let name = name.trim_start_matches('@');
    let good = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || "._-+".contains(c));
    (good(network) && good(name) && value.len() <= 128)
        .then(|| Contact { kind: Kind::Messenger, value: format!("{network}:{name}") })
}

/// A customer's id in a channel; `None` without one.
#[must_use]
pub fn account(channel: &str, external_id: &str) -> Option<Contact> {
    let (channel, external_id) = (channel.trim(), external_id.trim());
    // The separator is written otherwise inside of the channel, so that no two pairs look the same.
    let value = format!("{}:{external_id}", channel.replace('%', "%25").replace(':', "%3A"));
    (!external_id.is_empty()).then_some(Contact { kind: Kind::Account, value })
}

/// One blank between words, none around; lower case, `ё` as `е`: the form names are searched in.
#[must_use]
pub fn name_for_search(name: &str) -> String {
    tidy(name).to_lowercase().replace('ё', "е")
}

/// What came with an order, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw {
    /// Channel code.
    pub channel: String,
    /// The customer's id in it.
    pub external_id: String,
    /// Name.
    pub name: String,
    /// Phone.
    pub phone: String,
    /// E-mail.
    pub email: String,
    /// Address.
    pub address: String,
}

/// What came with an order, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Contacts that identify, phone first.
    pub keys: Vec<Contact>,
    /// Address and what is not valid.
    pub others: Vec<Contact>,
    /// Name, blanks tidied.
    pub name: String,
    /// What could not be used: `PHONE_INVALID`, `EMAIL_INVALID`.
    pub notes: Vec<&'static str>,
}

impl Read {
    /// Reads what came with an order. Nothing in it can be wrong enough to be refused.
    #[must_use]
    pub fn of(raw: &Raw, region: Id) -> Self {
        let mut read = Self { name: tidy(&raw.name), ..Self::default() };
        let tried = [
            (&raw.phone, phone(&raw.phone, region), "PHONE_INVALID"),
            (&raw.email, email(&raw.email), "EMAIL_INVALID"),
        ];
        for (text, contact, note) in tried {
            let text = text.trim();
            match contact {
                Some(contact) => read.keys.push(contact),
                None if text.is_empty() => {}
                None => {
                    read.notes.push(note);
                    read.others.push(Contact { kind: Kind::Note, value: text.to_owned() });
                }
            }
        }
        read.keys.extend(account(&raw.channel, &raw.external_id));
        let address = raw.address.trim();
        if !address.is_empty() {
            read.others.push(Contact { kind: Kind::Address, value: address.to_owned() });
        }
        read
    }

    /// True when there is nothing to know anybody by.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.keys.is_empty() && self.others.is_empty() && self.name.is_empty()
    }
}

/// A customer that a contact belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    /// When the customer was first met: who was met earlier wins.
    pub since: OffsetDateTime,
    /// The customer.
    pub customer_id: Uuid,
}

/// Two customers that one contact pointed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// The one known for longer.
    pub older: Uuid,
    /// The other.
    pub newer: Uuid,
    /// Why.
    pub reason: String,
}

/// Whose order it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The customer.
    pub customer_id: Uuid,
    /// Nobody was known by these contacts before.
    pub created: bool,
    /// Contacts the customer did not have yet.
    pub gained: Vec<Contact>,
    /// Other customers that the contacts point to as well.
    pub doubts: Vec<Doubt>,
}

/// Decides order by order; what one order taught is known to the next.
#[derive(Debug, Default)]
pub struct Matcher {
    owners: HashMap<Contact, Owner>,
}

impl Matcher {
    /// Knows the present owners of contacts.
    #[must_use]
    pub fn new(owners: HashMap<Contact, Owner>) -> Self {
        Self { owners }
    }

    /// Decides whose contacts these are; `newcomer` is who it is when nobody has any of them.
    pub fn decide(&mut self, keys: &[Contact], newcomer: Owner) -> Verdict {
        let known: Vec<(Kind, Owner)> =
            keys.iter().filter_map(|key| self.owners.get(key).map(|owner| (key.kind, *owner))).collect();
        let oldest = known.iter().min_by_key(|(_, owner)| *owner).copied();
        let winner = oldest.map_or(newcomer, |(_, owner)| owner);
        let mut doubts: Vec<Doubt> = Vec::new();
        if let Some((how, _)) = oldest {
            for (kind, owner) in &known {
                let newer = owner.customer_id;
                if newer != winner.customer_id && doubts.iter().all(|doubt| doubt.newer != newer) {
                    let reason = format!("order contact: {} of the older, {} of the newer", how.code(), kind.code());
                    doubts.push(Doubt { older: winner.customer_id, newer, reason });
                }
            }
        }
        let mut gained = Vec::new();
        for key in keys {
            if !self.owners.contains_key(key) {
                self.owners.insert(key.clone(), winner);
                gained.push(key.clone());
            }
        }
        Verdict { customer_id: winner.customer_id, created: oldest.is_none(), gained, doubts }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::Duration;
    use time::macros::datetime;

    use super::*;

    fn value(contact: Option<Contact>) -> Option<String> {
        contact.map(|contact| contact.value)
    }

    #[test]
    fn a_phone_has_one_spelling() {
        for text in [
            "+79001234567",
            "8-900-123-45-67",
            "8 (900) 123-45-67",
            " 89001234567 ",
            "7 900 123 45 67",
            "79001234567",
            "9001234567",
            "+7 (900) 123 45 67",
        ] {
            assert_eq!(value(phone(text, Id::RU)).as_deref(), Some("+79001234567"), "{text}");
        }
        assert_eq!(value(phone("+44 20 7946 0958", Id::RU)).as_deref(), Some("+442079460958"));
        assert_eq!(value(phone("020 7946 0958", Id::GB)).as_deref(), Some("+442079460958"));
    }

    #[test]
    fn what_is_no_phone_is_none() {
        for text in ["", "нет", "123", "+7900", "00000000000", "8-900-123-45-67-89-10-11-12", "a@b.ru", "++++"] {
            assert_eq!(phone(text, Id::RU), None, "{text}");
        }
    }

    #[test]
    fn an_email_has_one_spelling() {
        assert_eq!(value(email("  Ivan.Petrov+shop@Example.RU ")).as_deref(), Some("ivan.petrov+shop@example.ru"));
        assert_eq!(value(email("иван@почта.рф")).as_deref(), Some("иван@почта.рф"));
        for text in ["", "a", "a@b", "@b.ru", "a@", "a b@c.ru", "a@b..ru", ".a@b.ru", "a@-b.ru", "a@1.2", "a@b@c.ru"] {
            assert_eq!(email(text), None, "{text}");
        }
    }

    #[test]
    fn accounts_of_different_channels_never_look_the_same() {
        assert_ne!(account("a:b", "c"), account("a", "b:c"));
        assert_eq!(account("web", "  "), None);
    }

    fn owner(number: u128, hours: i64) -> Owner {
        Owner { since: datetime!(2026-01-01 0:00 UTC) + Duration::hours(hours), customer_id: Uuid::from_u128(number) }
    }

    fn key(kind: Kind, value: &str) -> Contact {
        Contact { kind, value: value.to_owned() }
    }

    #[test]
    fn the_older_of_two_matches_wins_and_the_other_is_a_doubt() {
        let (older, newer) = (owner(9, 1), owner(2, 5));
        let (phone, email) = (key(Kind::Phone, "+1"), key(Kind::Email, "a@b.c"));
        let mut matcher = Matcher::new(HashMap::from([(phone.clone(), newer), (email.clone(), older)]));
        let verdict = matcher.decide(&[phone, email], owner(7, 9));
        assert_eq!(verdict.customer_id, older.customer_id);
        assert!(!verdict.created && verdict.gained.is_empty());
        assert_eq!(
            verdict.doubts,
            vec![Doubt {
                older: older.customer_id,
                newer: newer.customer_id,
                reason: "order contact: email of the older, phone of the newer".to_owned(),
            }]
        );
    }

    #[test]
    fn what_one_order_teaches_the_next_one_knows() {
        let mut matcher = Matcher::default();
        let (phone, email) = (key(Kind::Phone, "+1"), key(Kind::Email, "a@b.c"));
        let first = matcher.decide(&[phone.clone(), email.clone()], owner(1, 0));
        let second = matcher.decide(std::slice::from_ref(&email), owner(2, 1));
        assert!(first.created && !second.created);
        assert_eq!(first.customer_id, second.customer_id);
        assert_eq!(first.gained, vec![phone, email]);
    }

    proptest! {
        /// Whatever the orders, each contact ends with exactly one customer, and each order goes to a customer that owns
        /// one of its contacts.
        #[test]
        fn a_contact_has_one_owner(orders in prop::collection::vec(prop::collection::vec(0u8..12, 0..4), 1..30)) {
            let mut matcher = Matcher::default();
            let mut owned: HashMap<Contact, Uuid> = HashMap::new();
            for (index, values) in orders.iter().enumerate() {
                let keys: Vec<Contact> = values.iter().map(|value| key(Kind::Phone, &value.to_string())).collect();
                let newcomer = owner(index as u128 + 1, i64::try_from(index).unwrap());
                let verdict = matcher.decide(&keys, newcomer);
                for gained in &verdict.gained {
                    prop_assert!(owned.insert(gained.clone(), verdict.customer_id).is_none());
                }
                let theirs = keys.iter().any(|key| owned.get(key) == Some(&verdict.customer_id));
                prop_assert!(keys.is_empty() || theirs);
                prop_assert!(verdict.doubts.iter().all(|doubt| doubt.older != doubt.newer));
            }
        }

        #[test]
        fn nothing_that_people_write_makes_it_fall_over(text in "\\PC{0,40}") {
            let raw = Raw { phone: text.clone(), email: text.clone(), name: text.clone(), ..Raw::default() };
            let read = Read::of(&raw, Id::RU);
            prop_assert!(read.keys.len() + read.notes.len() <= 2);
        }
    }
}
