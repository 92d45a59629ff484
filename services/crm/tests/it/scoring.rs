//! Scores: fresh after every event, the same from scratch, explained, by a versioned model.

use proto::common::v1::PageRequest;
use proto::crm::v1::score_service_client::ScoreServiceClient;
use proto::crm::v1::{
    AddTagRequest, CrmEvent, CurvePoint, CustomerScored, GetScoreModelRequest, GetScoreRequest,
    ListScoreHistoryRequest, PutScoreModelRequest, RescoreAllRequest, RescoreAllResponse, ScoreChange, ScoreModel,
    crm_event,
};
use testkit::TestService;
use time::Duration;
use tonic::{Code, Status};

use crate::support::*;

async fn history(app: &TestService, customer_id: &str) -> Vec<ScoreChange> {
    let page = Some(PageRequest { page_size: 500, page_token: String::new() });
    let request = ListScoreHistoryRequest { page, customer_id: customer_id.to_owned() };
    scores(app).list_score_history(request).await.unwrap().into_inner().changes
}

/// Changes of score as told, alone or with an order that was identified.
async fn scored(app: &TestService) -> Vec<CustomerScored> {
    let mut told = Vec::new();
    for event in app.events().await {
        match event.decode::<CrmEvent>().unwrap().event {
            Some(crm_event::Event::CustomerScored(scored)) => told.push(scored),
            Some(crm_event::Event::CustomerIdentified(identified)) => told.extend(identified.scored),
            _ => {}
        }
    }
    told
}

async fn rescore_all(app: &TestService) -> RescoreAllResponse {
    scores(app).rescore_all(RescoreAllRequest::default()).await.unwrap().into_inner()
}

/// A customer for each number, each with orders of many fates.
async fn busy_base(app: &TestService, people: u128) -> Vec<String> {
    let mut ids = Vec::new();
    for person in 0..people {
        let orders = 1 + person % 4;
        let order = |number: u128| order_id(person * 100 + number);
        let contacts =
            (0..orders).map(|number| contact(order(number), &format!("+7900{:07}", 1_000_000 + person), "")).collect();
        ids.push(resolve_all(app, contacts).await[0].customer_id.clone());
        let mut events = Vec::new();
        for number in 0..orders {
            let id = order(number);
            let ago = i64::try_from(number * 40 + person).unwrap();
            events.push(placed(id, days_ago(ago), &format!("{}.50", 500 + 300 * person)));
            match (person + number) % 6 {
                0 => events.push(cancelled(id, 2, "10.00")),
                1 => events.extend([shipped(id, 1, "200.00"), completed(id, 2)]),
                2 => events.extend([shipped(id, 1, "200.00"), not_collected(id, 2, "200.00")]),
                3 => events.extend([shipped(id, 1, "200.00"), returned(id, 2, "100.00", "defect")]),
                4 => events.extend([
                    lines_cancelled(id, 2, "50.00"),
                    shipped(id, 1, "100.00"),
                    stock_returned(id, 2, "20.00"),
                ]),
                _ => {}
            }
        }
        app.deliver(&events).await.unwrap();
    }
    ids
}

#[tokio::test]
async fn an_order_changes_the_score_and_the_history_says_why() {
    let app = start().await;
    let customer = resolve(&app, contact(order_id(1), "+79001234567", "")).await.customer_id;
    let early = scores(&app).get_score(GetScoreRequest { customer_id: customer.clone() }).await.unwrap_err();
    assert_eq!((early.code(), reason(&early).as_str()), (Code::FailedPrecondition, "NOT_SCORED_YET"));

    let first = placed(order_id(1), days_ago(10), "3000.00");
    app.deliver(std::slice::from_ref(&first)).await.unwrap();
    let score_before = score(&app, &customer).await;
    assert_eq!(score_before.parameters.len(), 11, "parameter 12 needs the purchase model and is absent");
    let recency = &score_before.parameters[0];
    assert_eq!((recency.value.as_str(), recency.score.as_str(), recency.weight.as_str()), ("10", "96.67", "15"));
    assert_eq!(recency.explanation_ru, "Дней с последнего заказа: 10 (заказ от 2026-02-20).");
    assert_eq!(recency.explanation_en, "Days since the last order: 10 (placed on 2026-02-20).");

    resolve(&app, contact(order_id(2), "+79001234567", "")).await;
    let second = placed(order_id(2), days_ago(1), "9000.00");
    app.deliver(std::slice::from_ref(&second)).await.unwrap();
    let score_after = score(&app, &customer).await;
    assert!(score_after.total.parse::<f64>().unwrap() > score_before.total.parse::<f64>().unwrap());
    assert_eq!(score_after.top_categories[0].category, "Fishing/Lures");

    let changes = history(&app, &customer).await;
    assert_eq!(changes.len(), 2);
    let causes: Vec<_> = changes.iter().map(|change| (change.cause.as_str(), change.cause_id.clone())).collect();
    assert_eq!(causes, [("orders.order_placed", second.id.to_string()), ("orders.order_placed", first.id.to_string())]);
    assert_eq!((&changes[0].previous_total, &changes[0].total), (&score_before.total, &score_after.total));
    assert_eq!((changes[1].previous_total.as_str(), changes[1].previous_grade.as_str()), ("", ""));
    assert_eq!(changes[0].parameter_scores.len(), 11);

    let told = scored(&app).await;
    assert_eq!(told.len(), 2);
    assert_eq!((&told[1].total, &told[1].grade), (&score_after.total, &score_after.grade));
    assert_eq!(told[1].previous_grade, score_before.grade);
    let versions: Vec<i64> = app.events().await.iter().map(|event| event.version).collect();
    assert_eq!(versions, (1..=4).collect::<Vec<_>>(), "identified, scored, identified, scored");
}

#[tokio::test]
async fn a_score_that_comes_with_an_order_is_told_with_it() {
    let app = start().await;
    app.deliver(&[placed(order_id(1), days_ago(10), "3000.00")]).await.unwrap();
    let customer = resolve(&app, contact(order_id(1), "+79001234567", "")).await.customer_id;
    let events = app.events().await;
    assert_eq!(
        events.iter().map(|event| (event.name.as_str(), event.version)).collect::<Vec<_>>(),
        [("customer_identified", 1)]
    );
    let told = scored(&app).await;
    assert_eq!((told.len(), told[0].total.clone()), (1, score(&app, &customer).await.total));
}

#[tokio::test]
async fn an_event_that_changes_no_score_is_not_told() {
    let app = start().await;
    let customer = resolve(&app, contact(order_id(1), "+79001234567", "")).await.customer_id;
    app.deliver(&[placed(order_id(1), days_ago(10), "3000.00")]).await.unwrap();
    let (told, changes) = (scored(&app).await.len(), history(&app, &customer).await.len());
    app.deliver(&[completed(order_id(1), 2)]).await.unwrap();
    assert_eq!(card(&app, &customer).await.figures.unwrap().successful_orders, 1);
    assert_eq!((scored(&app).await.len(), history(&app, &customer).await.len()), (told, changes));
}

#[tokio::test]
async fn c3_equal_customers_have_equal_scores_and_ties_are_not_split() {
    let app = start().await;
    let mut events = Vec::new();
    let mut contacts = Vec::new();
    for person in 0..30 {
        contacts.push(contact(order_id(person), &format!("+7900{:07}", 1_000_000 + person), ""));
        events.push(placed(order_id(person), days_ago(10), "3000.00"));
    }
    let resolved = resolve_all(&app, contacts).await;
    app.deliver(&events).await.unwrap();
    let first = score(&app, &resolved[0].customer_id).await;
    for other in &resolved[1..] {
        let other = score(&app, &other.customer_id).await;
        assert_eq!((&other.total, &other.parameters), (&first.total, &first.parameters));
    }
}

#[tokio::test]
async fn scores_and_figures_from_scratch_are_those_kept_up_to_date_by_events() {
    let app = start().await;
    let ids = busy_base(&app, 24).await;
    let mut before = Vec::new();
    for id in &ids {
        before.push((card(&app, id).await, score(&app, id).await));
    }
    let events = app.events().await.len();
    let done = rescore_all(&app).await;
    assert_eq!((done.customers, done.corrected_figures, done.changed_scores), (24, 0, 0));
    assert_eq!(done.next_after_customer_id, "");
    for (id, kept) in ids.iter().zip(before) {
        assert_eq!((card(&app, id).await, score(&app, id).await), kept);
    }
    assert_eq!(app.events().await.len(), events, "nothing changed, nothing is told");
}

/// Everything that writes, at once, on the same twelve customers.
#[tokio::test]
async fn events_contacts_tags_and_rescoring_at_once_neither_deadlock_nor_miscount() {
    let app = std::sync::Arc::new(start().await);
    let phone = |person: u128| format!("+7900{:07}", 1_000_000 + person % 12);
    let mail = |person: u128| format!("mail{}@example.ru", person % 12);
    let known: Vec<_> = (0..12).map(|person| contact(order_id(person), &phone(person), &mail(person))).collect();
    let ids: Vec<String> = resolve_all(&app, known).await.into_iter().map(|result| result.customer_id).collect();
    let mut tasks = Vec::new();
    for task in 0..8_u128 {
        let (app, ids) = (app.clone(), ids.clone());
        tasks.push(tokio::spawn(async move {
            for round in 0..3_u128 {
                let orders: Vec<u128> = (0..12).map(|person| 1_000 + task * 100 + round * 12 + person).collect();
                let mut events: Vec<_> =
                    orders.iter().map(|number| placed(order_id(*number), days_ago(1), "10.00")).collect();
                let contacts = orders.iter().map(|number| {
                    // By phone forwards or by mail backwards: the same people in another order, by other contacts.
                    let person = if task % 2 == 0 { *number } else { 11_999 - number };
                    if task % 2 == 0 {
                        contact(order_id(*number), &phone(person), "")
                    } else {
                        contact(order_id(*number), "", &mail(person))
                    }
                });
                let contacts: Vec<_> = contacts.collect();
                if round % 2 == 0 {
                    resolve_all(&app, contacts).await;
                    app.deliver(&events).await.unwrap();
                } else {
                    app.deliver(&events).await.unwrap();
                    resolve_all(&app, contacts).await;
                }
                events = orders.iter().map(|number| shipped(order_id(*number), 1, "4.00")).collect();
                app.deliver(&events).await.unwrap();
                let customer_id = ids[usize::try_from((task + round) % 12).unwrap()].clone();
                let tag = AddTagRequest { customer_id, tag: format!("t{task}") };
                customers(&app).add_tag(tag).await.unwrap();
                if task % 5 == 0 {
                    assert_eq!(rescore_all(&app).await.corrected_figures, 0);
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let done = rescore_all(&app).await;
    assert_eq!((done.customers, done.corrected_figures, done.changed_scores), (12, 0, 0));
    let mut orders = 0;
    for id in &ids {
        orders += card(&app, id).await.figures.unwrap().orders;
    }
    assert_eq!(orders, 8 * 3 * 12);
}

#[tokio::test]
async fn figures_that_went_wrong_are_found_and_put_right() {
    let app = start().await;
    let ids = busy_base(&app, 3).await;
    let right = card(&app, &ids[1]).await;
    sqlx::query("update customer_figures set ordered_sum = ordered_sum + 100000 where customer_id = $1::uuid")
        .bind(&ids[1])
        .execute(app.db.pool())
        .await
        .unwrap();
    assert_ne!(card(&app, &ids[1]).await.figures, right.figures);
    assert_eq!(rescore_all(&app).await.corrected_figures, 1);
    assert_eq!(card(&app, &ids[1]).await.figures, right.figures);
    assert_eq!(rescore_all(&app).await.corrected_figures, 0);
}

#[tokio::test]
async fn a_full_rescore_can_be_done_in_parts() {
    let app = start().await;
    busy_base(&app, 5).await;
    let (mut after_customer_id, mut parts) = (String::new(), Vec::new());
    loop {
        let request = RescoreAllRequest { after_customer_id, max_customers: 2 };
        let done = scores(&app).rescore_all(request).await.unwrap().into_inner();
        parts.push(done.customers);
        after_customer_id = done.next_after_customer_id;
        if after_customer_id.is_empty() {
            break;
        }
    }
    assert_eq!(parts, [2, 2, 1]);
}

#[tokio::test]
async fn the_sweep_makes_scores_anew_as_time_passes() {
    let app = start().await;
    let customer = resolve(&app, contact(order_id(1), "+79001234567", "")).await.customer_id;
    app.deliver(&[placed(order_id(1), days_ago(10), "3000.00")]).await.unwrap();
    let fresh = score(&app, &customer).await;
    app.run_job("score_sweep").await.unwrap();
    assert_eq!(score(&app, &customer).await.as_of, fresh.as_of, "a fresh score is left alone");

    app.clock.advance(Duration::days(1));
    app.run_job("score_sweep").await.unwrap();
    let next_day = score(&app, &customer).await;
    assert_eq!(next_day.parameters[0].value, "11");
    assert_ne!(next_day.total, fresh.total);
    assert_eq!(history(&app, &customer).await.len(), 1, "a hair's breadth of time alone is not worth the history");

    app.clock.advance(Duration::days(120));
    app.run_job("score_sweep").await.unwrap();
    let later = score(&app, &customer).await;
    assert_eq!(later.parameters[0].value, "131");
    let changes = history(&app, &customer).await;
    assert_eq!((changes.len(), changes[0].cause.as_str()), (2, "time"));
    assert_eq!(changes[0].previous_total, fresh.total, "what was last recorded");
    let told = scored(&app).await;
    assert_eq!((told.len(), told[1].cause.as_str()), (2, "time"));
    assert_eq!(rescore_all(&app).await.changed_scores, 0);
}

async fn model(app: &TestService, version: i64) -> ScoreModel {
    let request = GetScoreModelRequest { version };
    scores(app).get_score_model(request).await.unwrap().into_inner().model.unwrap()
}

async fn put(
    app: &TestService,
    request_id: &str,
    based_on_version: i64,
    model: ScoreModel,
) -> Result<ScoreModel, Status> {
    let request = PutScoreModelRequest { request_id: request_id.to_owned(), based_on_version, model: Some(model) };
    Ok(scores(app).put_score_model(request).await?.into_inner().model.unwrap())
}

/// Only the number of orders counts: 50 a piece.
fn only_frequency(mut model: ScoreModel) -> ScoreModel {
    for rule in &mut model.rules {
        rule.weight = "0".to_owned();
    }
    let point = |value: &str, score: &str| CurvePoint { value: value.to_owned(), score: score.to_owned() };
    model.rules[1].weight = "1".to_owned();
    model.rules[1].points = vec![point("0", "0"), point("2", "100")];
    model.comment = "only frequency".to_owned();
    model
}

#[tokio::test]
async fn a_new_model_scores_from_then_on_and_each_score_names_its_model() {
    let app = start().await;
    let customer = resolve(&app, contact(order_id(1), "+79001234567", "")).await.customer_id;
    app.deliver(&[placed(order_id(1), days_ago(10), "3000.00")]).await.unwrap();
    let initial = model(&app, 0).await;
    assert_eq!((initial.version, initial.rules.len()), (1, 11));
    assert_eq!(score(&app, &customer).await.model_version, 1);

    let stored = put(&app, "m1", 1, only_frequency(initial.clone())).await.unwrap();
    assert_eq!((stored.version, stored.created_by.as_str()), (2, "tester"));
    assert_eq!(
        put(&app, "m1", 1, only_frequency(initial.clone())).await.unwrap(),
        stored,
        "repeated, not stored again"
    );
    assert_eq!(model(&app, 0).await, stored);
    assert_eq!(model(&app, 1).await, initial, "older versions stay");

    app.run_job("score_sweep").await.unwrap();
    let now = score(&app, &customer).await;
    assert_eq!((now.total.as_str(), now.grade.as_str(), now.model_version), ("50.00", "C", 2));
    let changes = history(&app, &customer).await;
    assert_eq!((changes[0].cause.as_str(), changes[0].model_version, changes[1].model_version), ("rescore", 2, 1));

    let stale = put(&app, "m2", 1, only_frequency(initial)).await.unwrap_err();
    assert_eq!((stale.code(), reason(&stale).as_str()), (Code::Aborted, "MODEL_CHANGED"));
}

#[tokio::test]
async fn a_model_with_broken_rules_is_refused_with_each_of_them() {
    let app = start().await;
    let good = model(&app, 0).await;
    let mut bad = good.clone();
    bad.rules[0].weight = "-1".to_owned();
    bad.rules[2].points.reverse();
    bad.rules[4].score_without_data = "101".to_owned();
    bad.grades.as_mut().unwrap().b = "90".to_owned();
    assert_eq!(
        fields(&put(&app, "m1", 0, bad).await.unwrap_err()),
        ["model.rules[0].weight", "model.rules[2].points", "model.rules[4].score_without_data", "model.grades",]
    );
    let mut unreadable = good.clone();
    unreadable.rules[0].weight = "much".to_owned();
    unreadable.rules[1].shape = 7;
    unreadable.rules[1].parameter = 1;
    unreadable.rules.truncate(10);
    assert_eq!(
        fields(&put(&app, "m1", 0, unreadable).await.unwrap_err()),
        ["model.rules", "model.rules[0].weight", "model.rules[1].parameter", "model.rules[1].shape",]
    );
    let nothing = PutScoreModelRequest { request_id: "m1".to_owned(), ..PutScoreModelRequest::default() };
    assert_eq!(fields(&scores(&app).put_score_model(nothing).await.unwrap_err()), ["model"]);
    assert_eq!(model(&app, 0).await, good);
    let unknown = scores(&app).get_score_model(GetScoreModelRequest { version: 7 }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
}

#[tokio::test]
async fn many_models_put_at_once_on_the_same_version_are_one() {
    let app = start().await;
    let initial = model(&app, 0).await;
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let mut client = scores(&app);
            let (request_id, model) = (format!("m{number}"), Some(only_frequency(initial.clone())));
            let request = PutScoreModelRequest { request_id, based_on_version: 1, model };
            tokio::spawn(async move { client.put_score_model(request).await })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => stored += 1,
            Err(status) => assert_eq!(reason(&status), "MODEL_CHANGED"),
        }
    }
    assert_eq!((stored, model(&app, 0).await.version), (1, 2));
}

#[tokio::test]
async fn scores_need_their_permissions_and_a_known_customer() {
    let app = start().await;
    let customer_id = order_id(1).to_string();
    let unknown = scores(&app).get_score(GetScoreRequest { customer_id: customer_id.clone() }).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let request = ListScoreHistoryRequest { page: None, customer_id: customer_id.clone() };
    assert_eq!(scores(&app).list_score_history(request.clone()).await.unwrap_err().code(), Code::NotFound);
    let bad = ListScoreHistoryRequest { customer_id: "x".to_owned(), ..request.clone() };
    assert_eq!(fields(&scores(&app).list_score_history(bad).await.unwrap_err()), ["customer_id"]);
    let bad = RescoreAllRequest { after_customer_id: "x".to_owned(), max_customers: -1 };
    assert_eq!(fields(&scores(&app).rescore_all(bad).await.unwrap_err()), ["after_customer_id", "max_customers"]);
    let mut stranger = ScoreServiceClient::new(app.client(&["crm.customer.read"]));
    let mut refusals = vec![stranger.get_score(GetScoreRequest { customer_id }).await.unwrap_err()];
    refusals.push(stranger.list_score_history(request).await.unwrap_err());
    refusals.push(stranger.get_score_model(GetScoreModelRequest { version: 0 }).await.unwrap_err());
    refusals.push(stranger.put_score_model(PutScoreModelRequest::default()).await.unwrap_err());
    refusals.push(stranger.rescore_all(RescoreAllRequest::default()).await.unwrap_err());
    for refused in refusals {
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
}
