//! The wire contracts: code generated from `proto/`, the descriptors, and conversions of the common messages.

mod common_types;
mod domain_event;
mod dynamic;

pub use common_types::{from_timestamp, to_timestamp};
pub use domain_event::DomainEvent;
pub use dynamic::{DynamicCodec, DynamicDecoder, DynamicEncoder};

/// All files below `proto/` as an encoded `FileDescriptorSet`, with comments and custom options.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The same, decoded once for reflection.
///
/// # Panics
/// Never: the bytes were made by the build of this crate.
#[must_use]
pub fn descriptor_pool() -> &'static prost_reflect::DescriptorPool {
    static POOL: std::sync::LazyLock<prost_reflect::DescriptorPool> = std::sync::LazyLock::new(|| {
        #[expect(clippy::unwrap_used, reason = "the bytes were made and checked by this crate's build script")]
        prost_reflect::DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap()
    });
    &POOL
}

mod generated {
    #![expect(
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        clippy::large_enum_variant,
        clippy::too_many_lines,
        reason = "generated; documented in the proto files"
    )]
    include!(concat!(env!("OUT_DIR"), "/modules.rs"));
}

pub use generated::*;
