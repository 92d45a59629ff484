//! How long and how much.

use std::time::Duration;

use crate::Args;

/// The sizes of a run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// `normal`, `long` or `smoke`.
    pub(crate) mode: &'static str,
    /// Of each load.
    pub(crate) load: Duration,
    /// Of each run of a floor.
    pub(crate) floor_seconds: u64,
    /// Client counts tried for a floor.
    pub(crate) floor_counts: usize,
    /// Of idleness watched.
    pub(crate) idle: Duration,
    /// Stock keeping units.
    pub(crate) goods: usize,
    /// Different buyers.
    pub(crate) buyers: u64,
    /// Connections tried for single orders.
    pub(crate) connections: Vec<usize>,
    /// Connections tried for batches.
    pub(crate) batch_connections: Vec<usize>,
    /// Orders already stored in the comparison of full and empty.
    pub(crate) stored: i64,
}

impl Plan {
    pub(crate) fn of(args: &Args) -> Self {
        let mut plan = Self {
            mode: "normal",
            load: Duration::from_secs(5),
            floor_seconds: 3,
            floor_counts: 3,
            idle: Duration::from_secs(8),
            goods: 25_000,
            buyers: 90_000,
            connections: vec![64, 128, 250],
            batch_connections: vec![4, 8, 16],
            stored: 100_000,
        };
        if args.long {
            plan.mode = "long";
            plan.load = Duration::from_secs(20);
            plan.floor_seconds = 8;
            plan.idle = Duration::from_secs(30);
            plan.connections = vec![32, 64, 128, 250];
            plan.stored = 1_000_000;
        }
        if args.smoke {
            plan.mode = "smoke";
            plan.load = Duration::from_secs(1);
            plan.floor_seconds = 1;
            plan.floor_counts = 1;
            plan.idle = Duration::from_secs(3);
            plan.goods = 1_000;
            plan.buyers = 500;
            plan.connections = vec![32];
            plan.batch_connections = vec![4];
            plan.stored = 5_000;
        }
        if let Some(seconds) = args.seconds {
            plan.load = Duration::from_secs(seconds);
        }
        plan
    }
}
