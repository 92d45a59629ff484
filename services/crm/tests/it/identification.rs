//! Contacts of orders become customers.

use proto::crm::v1::customer_service_client::CustomerServiceClient;
use proto::crm::v1::{
    ContactKind, CrmEvent, CustomerIdentified, ListMergeCandidatesRequest, OrderContact, ResolveContactsRequest,
    crm_event,
};
use testkit::{START, TestService};
use time::Duration;
use tonic::Code;

use crate::support::*;

#[tokio::test]
async fn an_order_makes_its_buyer_a_customer() {
    let app = start().await;
    let order = order_id(1);
    let sent = OrderContact {
        address: "Москва, Тверская 1".to_owned(),
        external_customer_id: "4711".to_owned(),
        ..contact(order, "8 (900) 123-45-67", " Ivan@Example.RU ")
    };
    let resolved = resolve(&app, sent).await;
    assert!(resolved.created && resolved.notes.is_empty());
    assert_eq!(resolved.order_id, order.to_string());

    let card = card(&app, &resolved.customer_id).await;
    assert_eq!((card.name.as_str(), card.region.as_str(), card.source.as_str()), ("Иван Петров", "RU-MOW", "order"));
    let mut contacts: Vec<_> = card.contacts.iter().map(|contact| (contact.kind(), contact.value.as_str())).collect();
    contacts.sort();
    assert_eq!(
        contacts,
        [
            (ContactKind::Phone, "+79001234567"),
            (ContactKind::Email, "ivan@example.ru"),
            (ContactKind::Address, "Москва, Тверская 1"),
            (ContactKind::Account, "web:4711"),
        ]
    );
    assert_eq!(card.score, "", "there is no score before the first order");
}

#[tokio::test]
async fn a_new_customer_and_an_identified_order_are_told_without_personal_data() {
    let app = start().await;
    let first = resolve(&app, contact(order_id(1), "+79001234567", "")).await;
    resolve(&app, contact(order_id(2), "+79001234567", "")).await;

    let events = app.events().await;
    let told: Vec<_> = events.iter().map(|event| (event.name.as_str(), event.version)).collect();
    assert_eq!(told, [("customer_identified", 1), ("customer_identified", 2)]);
    assert!(events.iter().all(|event| event.aggregate_id == first.customer_id));
    let identified = identified(&app).await;
    let firsts: Vec<_> = identified.iter().map(|fact| (fact.first_order, fact.created.as_ref())).collect();
    assert!(matches!(firsts[..], [(true, Some(_)), (false, None)]), "{firsts:?}");
    let created = identified[0].created.as_ref().unwrap();
    assert_eq!((&created.customer_id, created.region.as_str()), (&first.customer_id, "RU-MOW"));
    for event in events {
        let payload = String::from_utf8_lossy(&event.payload).into_owned();
        assert!(!payload.contains("Петров") && !payload.contains("9001234567"), "personal data in {}", event.name);
    }
}

#[tokio::test]
async fn the_same_phone_or_email_or_account_is_the_same_customer() {
    let app = start().await;
    let first = resolve(
        &app,
        OrderContact {
            external_customer_id: "u1".to_owned(),
            ..contact(order_id(1), "+79001234567", "ivan@example.ru")
        },
    )
    .await;
    let by_phone = resolve(&app, contact(order_id(2), "8-900-123-45-67", "")).await;
    let by_email = resolve(&app, contact(order_id(3), "", "IVAN@example.ru")).await;
    let by_account =
        resolve(&app, OrderContact { external_customer_id: "u1".to_owned(), ..contact(order_id(4), "", "") }).await;
    for other in [&by_phone, &by_email, &by_account] {
        assert_eq!((other.customer_id.as_str(), other.created), (first.customer_id.as_str(), false));
    }
    let elsewhere = OrderContact {
        channel: "market".to_owned(),
        external_customer_id: "u1".to_owned(),
        ..contact(order_id(5), "", "")
    };
    assert_ne!(resolve(&app, elsewhere).await.customer_id, first.customer_id, "an account is one of its channel");
}

#[tokio::test]
async fn an_order_asked_for_twice_gets_its_first_answer() {
    let app = start().await;
    let first = resolve(&app, contact(order_id(1), "+79001234567", "bad mail")).await;
    let again = resolve(&app, contact(order_id(1), "+79001234567", "bad mail")).await;
    assert_eq!(first, again);
    let other = resolve(&app, contact(order_id(1), "+79007654321", "")).await;
    assert_eq!(first, other, "what the item says now does not matter");
    assert_eq!(app.events().await.len(), 1, "one order was identified");
}

#[tokio::test]
async fn contact_data_that_is_not_valid_is_a_note_and_blocks_nothing() {
    let app = start().await;
    let resolved = resolve(&app, contact(order_id(1), "позвоните мне", "ivan@example.ru")).await;
    assert_eq!(resolved.notes, ["PHONE_INVALID"]);
    let card = card(&app, &resolved.customer_id).await;
    assert!(card.contacts.iter().any(|it| it.kind() == ContactKind::Note && it.value == "позвоните мне"));

    let nothing_valid = resolve(&app, contact(order_id(2), "123", "no mail")).await;
    assert_eq!(nothing_valid.notes, ["PHONE_INVALID", "EMAIL_INVALID"]);
    assert!(nothing_valid.created, "what the buyer wrote is kept for somebody to look at");
}

#[tokio::test]
async fn an_order_without_any_contact_is_anonymous() {
    let app = start().await;
    let nothing = OrderContact { name: String::new(), ..contact(order_id(1), " ", "") };
    let resolved = resolve(&app, nothing.clone()).await;
    assert_eq!((resolved.customer_id.as_str(), resolved.created), ("", false));
    assert_eq!(resolve(&app, nothing).await, resolved);
    assert!(app.events().await.is_empty());
}

#[tokio::test]
async fn of_two_matching_customers_the_older_wins_and_the_pair_is_a_merge_candidate() {
    let app = start().await;
    let older = resolve(&app, contact(order_id(1), "+79001234567", "")).await.customer_id;
    app.clock.advance(Duration::hours(1));
    let newer = resolve(&app, contact(order_id(2), "", "ivan@example.ru")).await.customer_id;
    app.clock.advance(Duration::hours(1));
    for order in [3, 4] {
        let both = resolve(&app, contact(order_id(order), "+79001234567", "ivan@example.ru")).await;
        assert_eq!(both.customer_id, older);
    }
    let list = customers(&app).list_merge_candidates(ListMergeCandidatesRequest { page: None }).await.unwrap();
    let candidates = list.into_inner().candidates;
    assert_eq!(candidates.len(), 1, "the pair is kept once");
    let candidate = &candidates[0];
    assert_eq!((&candidate.older_customer_id, &candidate.newer_customer_id), (&older, &newer));
    assert_eq!(candidate.order_id, order_id(3).to_string());
    assert_eq!(candidate.reason, "order contact: phone of the older, email of the newer");
}

#[tokio::test]
async fn orders_of_one_call_are_resolved_by_when_they_were_placed() {
    let app = start().await;
    let late = OrderContact { placed_at: Some(proto::to_timestamp(START)), ..contact(order_id(1), "+79001234567", "") };
    let early = OrderContact {
        placed_at: Some(proto::to_timestamp(days_ago(3))),
        name: "Пётр".to_owned(),
        ..contact(order_id(2), "+79001234567", "")
    };
    let results = resolve_all(&app, vec![late, early]).await;
    assert_eq!(results[0].order_id, order_id(1).to_string(), "answers come in the order of the request");
    assert_eq!(results[0].customer_id, results[1].customer_id);
    assert!(!results[0].created && results[1].created);
    assert_eq!(card(&app, &results[0].customer_id).await.name, "Пётр");
}

#[tokio::test]
async fn many_orders_of_one_phone_at_once_make_one_customer() {
    let app = start().await;
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let mut client = resolver(&app);
            let email = format!("mail{}@example.ru", number % 3);
            let contacts = vec![contact(order_id(number), "+79001234567", &email)];
            tokio::spawn(async move { client.resolve_contacts(ResolveContactsRequest { contacts }).await })
        })
        .collect();
    let mut ids = std::collections::BTreeSet::new();
    let mut created = 0;
    for task in tasks {
        let result = task.await.unwrap().unwrap().into_inner().results.pop().unwrap();
        created += i32::from(result.created);
        ids.insert(result.customer_id);
    }
    assert_eq!((ids.len(), created), (1, 1));
    assert_eq!(counts(&app).await, (1, 40));
}

#[tokio::test]
async fn batches_that_cross_each_other_end_without_deadlock_and_share_their_customers() {
    let app = start().await;
    let batch = |number: u128, reversed: bool| {
        let mut contacts: Vec<_> = (0..50)
            .map(|person: u128| {
                let phone = format!("+7900{:07}", 1_000_000 + person);
                contact(order_id(number * 1000 + person), &phone, "")
            })
            .collect();
        if reversed {
            contacts.reverse();
        }
        contacts
    };
    let tasks: Vec<_> = (0..6)
        .map(|number| {
            let mut client = resolver(&app);
            let contacts = batch(number, number % 2 == 1);
            tokio::spawn(async move { client.resolve_contacts(ResolveContactsRequest { contacts }).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(counts(&app).await, (50, 300));
}

/// The orders that were identified, as told.
async fn identified(app: &TestService) -> Vec<CustomerIdentified> {
    let read = |fact: CrmEvent| match fact.event {
        Some(crm_event::Event::CustomerIdentified(event)) => event,
        other => panic!("{other:?}"),
    };
    app.facts::<CrmEvent>("customer_identified").await.into_iter().map(read).collect()
}

/// How many customers were made by orders, and how many orders identified, as told.
async fn counts(app: &TestService) -> (usize, usize) {
    let identified = identified(app).await;
    (identified.iter().filter(|fact| fact.created.is_some()).count(), identified.len())
}

#[tokio::test]
async fn bad_input_is_refused_as_a_whole() {
    let app = start().await;
    let mut client = resolver(&app);
    let good = contact(order_id(1), "+79001234567", "");
    let bad = OrderContact {
        order_id: "x".to_owned(),
        channel: String::new(),
        name: "n".repeat(257),
        placed_at: None,
        ..good.clone()
    };
    let request = ResolveContactsRequest { contacts: vec![good.clone(), bad] };
    let refused = client.resolve_contacts(request).await.unwrap_err();
    assert_eq!(
        fields(&refused),
        ["contacts[1].order_id", "contacts[1].channel", "contacts[1].name", "contacts[1].placed_at",]
    );
    let twice = ResolveContactsRequest { contacts: vec![good.clone(), good.clone()] };
    assert_eq!(fields(&client.resolve_contacts(twice).await.unwrap_err()), ["contacts[1].order_id"]);
    let none = ResolveContactsRequest { contacts: vec![] };
    assert_eq!(fields(&client.resolve_contacts(none).await.unwrap_err()), ["contacts"]);
    let many = (0..501).map(|number| contact(order_id(number), "", "a@b.ru")).collect();
    assert_eq!(
        fields(&client.resolve_contacts(ResolveContactsRequest { contacts: many }).await.unwrap_err()),
        ["contacts"]
    );
    assert!(app.events().await.is_empty(), "nothing of a refused call is done");

    for (permissions, why) in [(&["crm.customer.read"][..], ""), (ALL, "SERVICES_ONLY")] {
        let mut stranger = CustomerServiceClient::new(app.client(permissions));
        let request = ResolveContactsRequest { contacts: vec![good.clone()] };
        let refused = stranger.resolve_contacts(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert!(reason(&refused).contains(why));
    }
}
