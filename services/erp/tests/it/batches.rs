//! Batches of events: hundreds at once, mixed, with poison in them.

use proto::orders::v1::ReturnOutcome;
use uuid::Uuid;

use crate::kit::{Erp, cancelled, goods, line, lines_cancelled, order, placed, returned};

#[tokio::test]
async fn five_hundred_orders_are_one_transaction_and_exact() {
    let erp = Erp::start().await;
    erp.know(&["A", "B", "C"]).await;
    erp.receive(&[goods("A", 700, "1", "L1"), goods("A", 300, "1", "L2"), goods("B", 100, "1", "L")]).await;
    let ids: Vec<_> = (0..500).map(|_| service::new_id()).collect();
    let lines = || vec![line(1, "A", 2), line(2, "B", 1), line(3, "C", 1)];
    let events: Vec<_> = ids.iter().zip(1..).map(|(id, n)| placed(order(*id, n, lines()))).collect();
    erp.deliver(&events).await;
    let transactions: i64 = sqlx::query_scalar("select count(distinct xmin::text) from reservation")
        .fetch_one(erp.app.db.pool())
        .await
        .unwrap();
    assert_eq!(transactions, 1);
    assert_eq!(erp.figures("A").await, ["1000", "1000", "0", "0"]);
    assert_eq!(erp.figures("B").await, ["100", "100", "0", "400"]);
    assert_eq!(erp.figures("C").await, ["0", "0", "0", "500"]);
    assert_eq!(erp.facts("order_allocated").await.len(), 500, "one picture an order");
    assert_eq!(erp.facts("stock_depleted").await.len(), 3);
    assert_eq!(erp.has(ids[99], 2).await.0, "1", "who came first has it");
    assert_eq!(erp.has(ids[100], 2).await.0, "0");
    erp.balanced().await;
}

#[tokio::test]
async fn the_events_of_one_order_keep_their_order_within_a_batch() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "1", "L")]).await;
    let (gone, kept, next) = (service::new_id(), service::new_id(), service::new_id());
    erp.deliver(&[
        placed(order(gone, 1, vec![line(1, "A", 8)])),
        placed(order(kept, 2, vec![line(1, "A", 5)])),
        lines_cancelled(gone, &[(1, "A", 3)]),
        cancelled(gone),
        placed(order(next, 3, vec![line(1, "A", 6)])),
        lines_cancelled(kept, &[(1, "A", 1)]),
    ])
    .await;
    assert_eq!(erp.has(gone, 1).await, ("0".into(), "0".into()));
    assert_eq!(erp.has(kept, 1).await, ("4".into(), "0".into()));
    assert_eq!(erp.has(next, 1).await, ("6".into(), "0".into()));
    assert_eq!(erp.told(gone).await, ["reservation_released"], "only how it ended");
    assert_eq!(erp.told(kept).await, ["order_allocated"]);
    erp.balanced().await;
}

#[tokio::test]
async fn the_facts_of_an_order_are_numbered_without_gaps_however_its_events_come() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "1", "L")]).await;
    let (together, alone) = (service::new_id(), service::new_id());
    let changed = |id| [placed(order(id, 1, vec![line(1, "A", 4)])), lines_cancelled(id, &[(1, "A", 1)])];
    erp.deliver(&changed(together)).await;
    for event in changed(alone) {
        erp.deliver(&[event]).await;
    }
    erp.deliver(&[cancelled(together), cancelled(alone)]).await;
    for (id, facts) in [(together, 2), (alone, 3)] {
        let events = erp.app.events().await;
        let versions = events.iter().filter(|event| event.aggregate_id == id.to_string()).map(|event| event.version);
        assert_eq!(versions.collect::<Vec<_>>(), (1..=facts).collect::<Vec<_>>());
    }
    erp.balanced().await;
}

#[tokio::test]
async fn a_batch_does_what_its_events_do_one_by_one() {
    let (together, alone) = (Erp::start().await, Erp::start().await);
    let mut orders = Vec::new();
    let mut events = Vec::new();
    for n in 0..40_i64 {
        let id = service::new_id();
        events.push(placed(order(id, n, vec![line(1, "A", 1 + n % 5), line(2, "B", 1 + n % 3)])));
        if n % 4 == 1 {
            events.push(cancelled(id));
        }
        if n % 4 == 2 {
            events.push(lines_cancelled(id, &[(1, "A", 1), (2, "B", 9)]));
        }
        if n % 4 == 3 {
            events.push(returned(id, &[(1, "A", 1)], ReturnOutcome::Restock));
        }
        orders.push(id);
    }
    for erp in [&together, &alone] {
        erp.know(&["A", "B"]).await;
        erp.receive(&[goods("A", 50, "1", "L1"), goods("A", 9, "1", "L2"), goods("B", 60, "1", "L")]).await;
    }
    together.deliver(&events).await;
    for event in &events {
        alone.deliver(std::slice::from_ref(event)).await;
    }
    for id in orders {
        let mut pair = Vec::new();
        for erp in [&together, &alone] {
            let lines = erp.reservation(id).await.lines;
            let lines: Vec<_> =
                lines.into_iter().map(|line| (line.reserved, line.backordered, line.cancelled)).collect();
            pair.push(lines);
        }
        // Freed within the batch, goods may come from another lot, but nobody gets more or less.
        assert_eq!(pair[0], pair[1]);
    }
    together.balanced().await;
    alone.balanced().await;
}

#[tokio::test]
async fn a_malformed_event_is_set_aside_and_stops_nobody_else() {
    let erp = Erp::start().await;
    erp.know(&["A"]).await;
    erp.receive(&[goods("A", 10, "1", "L")]).await;
    let good: Vec<Uuid> = (0..3).map(|_| service::new_id()).collect();
    let mut poison = order(service::new_id(), 9, vec![line(1, "A", 1)]);
    poison.lines[0].quantity = None;
    let mut events: Vec<_> = good.iter().zip(1..).map(|(id, n)| placed(order(*id, n, vec![line(1, "A", 2)]))).collect();
    events.insert(1, placed(poison));
    let refused = erp.app.deliver(&events).await.unwrap_err();
    assert!(refused.to_string().contains("line 1 has no quantity"), "{refused}");
    for id in good {
        assert_eq!(erp.has(id, 1).await, ("2".into(), "0".into()));
    }
    erp.balanced().await;
}
