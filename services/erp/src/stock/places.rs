//! Places as answers name them, kept in memory: a place is never changed or deleted once it is made.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use sqlx::PgConnection;

use super::queries::{self, PlaceView};

/// Places by number.
pub(super) type Known = HashMap<i64, PlaceView>;

/// The places read so far.
#[derive(Default)]
pub(crate) struct Places(RwLock<Arc<Known>>);

impl Places {
    /// Places, among them these; read again when one of these was made since.
    pub(super) async fn with(
        &self,
        conn: &mut PgConnection,
        mut ids: impl Iterator<Item = i64>,
    ) -> sqlx::Result<Arc<Known>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if ids.all(|id| known.contains_key(&id)) {
            return Ok(known);
        }
        let all: Known = queries::places(conn).await?.into_iter().map(|place| (place.id, place)).collect();
        let all = Arc::new(all);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = all.clone();
        Ok(all)
    }
}
