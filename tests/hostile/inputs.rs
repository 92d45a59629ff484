//! Messages that no honest client sends, from a seed.

use prost_reflect::{DynamicMessage, Kind, MapKey, MessageDescriptor, Value};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

/// Makes messages of any type; the same seed makes the same ones.
pub(crate) struct Inputs {
    random: StdRng,
}

const TEXTS: [&str; 26] = [
    "",
    " ",
    "x",
    "019cadd8-0000-7000-8000-000000000001",
    "00000000-0000-0000-0000-000000000000",
    "not-a-uuid",
    "RUB",
    "XTS",
    "usd",
    "0",
    "-1",
    "1",
    "10.00",
    "0.001",
    "1e9",
    "NaN",
    "999999999999999999",
    "99999999999999999999999999999999999999",
    "pcs",
    "2026-02-30",
    "2026-03-02",
    "'; drop table orders; --",
    "a\0b",
    "\u{202e}\u{feff}🐟",
    "<script>alert(1)</script>",
    "{\"$ne\":1}",
];

impl Inputs {
    pub(crate) fn seeded(name: &str, round: u64) -> Self {
        let seed = name.bytes().fold(round, |seed, byte| seed.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Self { random: StdRng::seed_from_u64(seed) }
    }

    pub(crate) fn message(&mut self, kind: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(kind.clone());
        for field in kind.fields() {
            // A quarter of the fields stay empty, and deep ones more and more.
            if self.random.random_range(0..4 + 2 * depth) >= 3 {
                continue;
            }
            let value = if field.is_map() {
                Value::Map([(MapKey::String(self.text()), Value::String(self.text()))].into())
            } else if field.is_list() {
                let count = *[0, 1, 2, 3, 600].choose(&mut self.random).unwrap();
                let count = if depth > 1 { count.min(3) } else { count };
                Value::List((0..count).map(|_| self.value(&field.kind(), depth)).collect())
            } else {
                self.value(&field.kind(), depth)
            };
            message.set_field(&field, value);
        }
        message
    }

    fn value(&mut self, kind: &Kind, depth: usize) -> Value {
        match kind {
            Kind::String => Value::String(self.text()),
            Kind::Bytes => Value::Bytes(self.text().into_bytes().into()),
            Kind::Bool => Value::Bool(self.random.random()),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.number() as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.number()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.number() as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.number() as u64),
            Kind::Float => Value::F32(f32::NAN),
            Kind::Double => Value::F64(f64::INFINITY),
            Kind::Enum(_) => Value::EnumNumber(*[0, 1, 2, 999, -1].choose(&mut self.random).unwrap()),
            Kind::Message(message) if depth > 5 => Value::Message(DynamicMessage::new(message.clone())),
            Kind::Message(message) => Value::Message(self.message(message, depth + 1)),
        }
    }

    fn text(&mut self) -> String {
        match self.random.random_range(0..30) {
            0 => "я".repeat(70_000),
            1 => self.random.random_range(-5..500).to_string(),
            _ => (*TEXTS.choose(&mut self.random).unwrap()).to_owned(),
        }
    }

    fn number(&mut self) -> i64 {
        *[0, 1, 2, -1, 500, 501, i64::from(i32::MAX), i64::from(i32::MIN), i64::MAX, i64::MIN]
            .choose(&mut self.random)
            .unwrap()
    }
}
