//! What an entry is and how the chain is computed.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// The hash before the first entry.
pub(crate) const GENESIS: [u8; 32] = [0; 32];

/// Something that was done, before it has a place in the chain.
#[derive(Debug, Clone)]
pub(crate) struct Fact<'a> {
    /// Who.
    pub(crate) actor: &'a str,
    /// What.
    pub(crate) action: &'static str,
    /// Kind of the record.
    pub(crate) object_type: &'static str,
    /// Id of the record.
    pub(crate) object_id: String,
    /// More facts; never a secret.
    pub(crate) details: serde_json::Value,
}

/// An entry of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Place in the chain.
    pub(crate) sequence: i64,
    /// When.
    pub(crate) at: OffsetDateTime,
    /// Who.
    pub(crate) actor: String,
    /// What.
    pub(crate) action: String,
    /// Kind of the record.
    pub(crate) object_type: String,
    /// Id of the record.
    pub(crate) object_id: String,
    /// JSON.
    pub(crate) details: String,
    /// Hash of the entry before.
    pub(crate) previous_hash: Vec<u8>,
    /// Hash of this entry.
    pub(crate) hash: Vec<u8>,
}

impl Entry {
    /// The hash this entry must have. Each part is preceded by its length, so no two entries read the same.
    pub(crate) fn computed_hash(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        let micros = self.at.unix_timestamp_nanos() / 1_000;
        let (sequence, at) = (self.sequence.to_be_bytes(), micros.to_be_bytes());
        let parts: [&[u8]; 8] = [
            &self.previous_hash,
            &sequence,
            &at,
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.object_type.as_bytes(),
            self.object_id.as_bytes(),
            self.details.as_bytes(),
        ];
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        }
        hasher.finalize().into()
    }
}

/// The first entry that does not follow from the one before it, if any. `before` is the sequence and hash the stretch
/// follows on.
pub(crate) fn first_break(before: (i64, &[u8]), entries: &[Entry]) -> Option<i64> {
    let (mut sequence, mut hash) = (before.0, before.1.to_vec());
    for entry in entries {
        let follows = entry.sequence == sequence + 1 && entry.previous_hash == hash;
        if !follows || entry.computed_hash().as_slice() != entry.hash {
            return Some(sequence + 1);
        }
        (sequence, hash) = (entry.sequence, entry.hash.clone());
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chain(texts: &[String]) -> Vec<Entry> {
        let mut previous = GENESIS.to_vec();
        texts
            .iter()
            .zip(1..)
            .map(|(text, sequence)| {
                let mut entry = Entry {
                    sequence,
                    at: OffsetDateTime::UNIX_EPOCH,
                    actor: text.clone(),
                    action: "a".into(),
                    object_type: "t".into(),
                    object_id: text.clone(),
                    details: "{}".into(),
                    previous_hash: previous.clone(),
                    hash: Vec::new(),
                };
                entry.hash = entry.computed_hash().to_vec();
                previous = entry.hash.clone();
                entry
            })
            .collect()
    }

    proptest! {
        #[test]
        fn any_change_or_gap_shows(texts in proptest::collection::vec("[a-z]{0,5}", 2..10), at in 0_usize..10, what in 0_u8..4) {
            let mut entries = chain(&texts);
            prop_assert_eq!(first_break((0, &GENESIS), &entries), None);
            let at = at % entries.len();
            match what {
                0 => entries[at].actor.push('x'),
                1 => entries[at].details = "{\"a\":1}".into(),
                2 => { let moved = entries[at].object_id.clone(); entries[at].object_type.push_str(&moved); entries[at].object_type.push('y'); }
                _ => { entries.remove(at); }
            }
            let broken = first_break((0, &GENESIS), &entries);
            if what == 3 && at == entries.len() {
                prop_assert_eq!(broken, None, "a cut tail is not visible from the chain alone");
            } else {
                prop_assert_eq!(broken, Some(at as i64 + 1));
            }
        }
    }
}
