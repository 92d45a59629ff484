//! 6 and 29: events again, none lost, none out of order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use super::{Evidence, Finding};

fn same<K: Ord + Debug, V: PartialEq>(
    finding: &mut Finding,
    what: &str,
    before: &BTreeMap<K, V>,
    after: &BTreeMap<K, V>,
) {
    for (key, value) in before {
        finding.expect(after.get(key) == Some(value), || format!("{what} {key:?} is another one after the replay"));
    }
    for key in after.keys().filter(|key| !before.contains_key(*key)) {
        finding.expect(false, || format!("{what} {key:?} came with the replay"));
    }
}

/// 6. Where events lie in the stream is another place after it, and nothing else.
pub(super) fn again_changes_nothing(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let (before, after) = (&evidence.quiet, &evidence.replayed);
    same(&mut finding, "order", &before.orders, &after.orders);
    same(&mut finding, "item", &before.items, &after.items);
    same(&mut finding, "product", &before.products, &after.products);
    same(&mut finding, "customer", &before.customers, &after.customers);
    same(&mut finding, "task", &before.tasks, &after.tasks);
    same(&mut finding, "page", &before.pages, &after.pages);
    same(&mut finding, "kpi by region", &before.kpi.by_region, &after.kpi.by_region);
    same(&mut finding, "kpi by product", &before.kpi.by_product, &after.kpi.by_product);
    same(&mut finding, "kpi by customer", &before.kpi.by_customer, &after.kpi.by_customer);
    same(&mut finding, "kpi by day", &before.kpi.by_day, &after.kpi.by_day);
    same(&mut finding, "kpi stock", &before.kpi.stock, &after.kpi.stock);
    finding.equal(|| "the summary".to_owned(), &before.kpi.summary, &after.kpi.summary);
    finding.equal(|| "the ledger".to_owned(), &before.ledger, &after.ledger);
    for (service, published) in &before.events.outboxes {
        let ids = |published: &[crate::picture::Published]| {
            published.iter().map(|event| event.event_id.clone()).collect::<BTreeSet<_>>()
        };
        let later = after.events.outboxes.get(service).map(|published| ids(published)).unwrap_or_default();
        let new = later.difference(&ids(published)).count();
        finding.expect(new == 0, || format!("{service} published {new} new events because of old ones"));
    }
    finding
}

/// 29.
pub(super) fn none_lost_none_out_of_order(evidence: &Evidence) -> Finding {
    let mut finding = Finding::default();
    let events = &evidence.quiet.events;
    for (service, published) in &events.outboxes {
        let mut last: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for event in published {
            let seq = event.seq.unwrap_or(i64::MAX);
            finding.expect(event.seq.is_some(), || format!("{service}: {event:?} was never published"));
            let before = last.insert(&event.aggregate, (event.version, seq)).unwrap_or((0, 0));
            finding.expect(event.version == before.0 + 1 && seq > before.1, || {
                format!("{service} {}: version {} at {seq} after {before:?}", event.aggregate, event.version)
            });
        }
    }
    for inbox in &events.inboxes {
        let Some(published) = events.outboxes.get(&inbox.source) else {
            finding.expect(false, || format!("{} listens to {}, which is nobody", inbox.consumer, inbox.source));
            continue;
        };
        let taken: BTreeSet<&str> = inbox.event_ids.iter().map(String::as_str).collect();
        // A consumer wants the facts of which it has taken any.
        let wanted: BTreeSet<&str> = published
            .iter()
            .filter(|event| taken.contains(event.event_id.as_str()))
            .map(|event| event.name.as_str())
            .collect();
        for event in published.iter().filter(|event| wanted.contains(event.name.as_str())) {
            finding
                .expect(taken.contains(event.event_id.as_str()), || format!("{} never took {event:?}", inbox.consumer));
        }
    }
    let poison: BTreeSet<&str> = evidence.history.poison.iter().map(String::as_str).collect();
    for (service, letters) in &evidence.quiet.dead {
        for letter in letters {
            finding.expect(poison.contains(letter.event_id.as_str()), || format!("{service} gave up: {letter:?}"));
        }
    }
    finding
}
