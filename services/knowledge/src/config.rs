//! Settings of the knowledge service.

/// Settings of the knowledge service.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)]
pub struct Config {
    /// Longest text of a page, in bytes.
    #[arg(long = "knowledge-page-bytes", env = "SHOPFLOOR_KNOWLEDGE_PAGE_BYTES", default_value_t = Self::PAGE_BYTES,
        value_parser = clap::value_parser!(u32).range(1024..=262_144))]
    pub page_bytes: u32,
}

impl Config {
    const PAGE_BYTES: u32 = 262_144;
}

impl Default for Config {
    fn default() -> Self {
        Self { page_bytes: Self::PAGE_BYTES }
    }
}
