//! Messages known only by their descriptors, on the wire: for callers that serve every RPC alike.

use bytes::BufMut as _;
use prost::Message as _;
use prost::encoding::{self, WireType};
use prost_reflect::{DynamicMessage, MessageDescriptor, ReflectMessage as _, Value};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Encodes any message and decodes answers of one type.
#[derive(Debug, Clone)]
pub struct DynamicCodec {
    output: MessageDescriptor,
}

impl DynamicCodec {
    /// For answers of this type.
    #[must_use]
    pub fn new(output: MessageDescriptor) -> Self {
        Self { output }
    }
}

impl Codec for DynamicCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = DynamicEncoder;
    type Decoder = DynamicDecoder;

    fn encoder(&mut self) -> DynamicEncoder {
        DynamicEncoder
    }

    fn decoder(&mut self) -> DynamicDecoder {
        DynamicDecoder(self.output.clone())
    }
}

/// Encodes any message.
#[derive(Debug)]
pub struct DynamicEncoder;

impl Encoder for DynamicEncoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let mut bytes = Vec::with_capacity(1024);
        write(&item, &mut bytes);
        out.put_slice(&bytes);
        Ok(())
    }
}

/// Writes a message in one pass. The library first computes the length of every part, and at each level again those of
/// all parts below, which for an order costs several times as much as writing it.
fn write(message: &DynamicMessage, out: &mut Vec<u8>) {
    let plain = message.descriptor().extension_ranges().next().is_none() && message.unknown_fields().next().is_none();
    if !plain {
        return message.encode_raw(out);
    }
    let mut rest: Option<DynamicMessage> = None;
    for (field, value) in message.fields() {
        match value {
            Value::String(text) => encoding::string::encode(field.number(), text, out),
            Value::Bool(value) => encoding::bool::encode(field.number(), value, out),
            Value::EnumNumber(value) => encoding::int32::encode(field.number(), value, out),
            Value::Message(part) if !field.is_group() => write_part(field.number(), part, out),
            Value::List(items) if matches!(items.first(), Some(Value::Message(_))) && !field.is_group() => {
                items.iter().filter_map(Value::as_message).for_each(|part| write_part(field.number(), part, out));
            }
            // Numbers, maps and lists of scalars: few, and the library knows their forms.
            other => {
                rest.get_or_insert_with(|| DynamicMessage::new(message.descriptor())).set_field(&field, other.clone())
            }
        }
    }
    if let Some(rest) = rest {
        rest.encode_raw(out);
    }
}

/// Writes a part behind its length, which is known only afterwards; mostly it is one byte.
fn write_part(number: u32, part: &DynamicMessage, out: &mut Vec<u8>) {
    encoding::encode_key(number, WireType::LengthDelimited, out);
    let place = out.len();
    out.push(0);
    let start = out.len();
    write(part, out);
    let end = out.len();
    let length = (end - start) as u64;
    let more = encoding::encoded_len_varint(length) - 1;
    out.resize(end + more, 0);
    out.copy_within(start..end, start + more);
    encoding::encode_varint(length, &mut &mut out[place..=place + more]);
}

/// Decodes messages of one type.
#[derive(Debug)]
pub struct DynamicDecoder(MessageDescriptor);

impl Decoder for DynamicDecoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, input: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), input);
        message.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(message: &DynamicMessage) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(message, &mut bytes);
        bytes
    }

    #[test]
    fn a_message_is_written_as_the_library_writes_it() {
        let pool = crate::descriptor_pool();
        for length in [0, 1, 100, 127, 128, 300, 20_000] {
            let text = |field: &str| (field.to_owned(), Value::String("x".repeat(length)));
            let of = |name: &str, fields: Vec<(String, Value)>| {
                let mut message = DynamicMessage::new(pool.get_message_by_name(name).unwrap());
                fields.into_iter().for_each(|(field, value)| message.set_field_by_name(&field, value));
                message
            };
            let money = of("shopfloor.common.v1.Money", vec![text("currency"), text("amount")]);
            let line = of(
                "shopfloor.orders.v1.OrderLineInput",
                vec![text("sku"), ("unit_price".to_owned(), Value::Message(money))],
            );
            let lines = vec![Value::Message(line.clone()), Value::Message(line)];
            let order = of(
                "shopfloor.orders.v1.OrderInput",
                vec![
                    text("channel"),
                    ("prices_include_tax".to_owned(), Value::Bool(length % 2 == 0)),
                    ("lines".to_owned(), Value::List(lines)),
                ],
            );
            let request = of("shopfloor.orders.v1.PushOrderRequest", vec![("order".to_owned(), Value::Message(order))]);
            assert_eq!(written(&request), request.encode_to_vec(), "texts of {length}");
        }
    }

    #[test]
    fn what_is_written_is_read_again_whatever_it_holds() {
        // A descriptor is a message with about everything in it: numbers, lists, parts within parts.
        let pool = crate::descriptor_pool();
        for file in pool.files().take(20) {
            let bytes = file.encode_to_vec();
            let descriptor = pool.get_message_by_name("google.protobuf.FileDescriptorProto").unwrap();
            let message = DynamicMessage::decode(descriptor.clone(), bytes.as_slice()).unwrap();
            assert_eq!(DynamicMessage::decode(descriptor, written(&message).as_slice()).unwrap(), message);
        }
    }
}
