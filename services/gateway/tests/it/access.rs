use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A gateway whose identity can be turned off, and that exchanges keys beginning with `sf_good`.
async fn with_identity() -> (Door, Arc<AtomicBool>, Clock) {
    let (away, clock) = (Arc::new(AtomicBool::new(false)), Clock::fixed(time::OffsetDateTime::now_utc()));
    let (switch, times) = (Arc::clone(&away), clock.clone());
    let door = open(Config::default(), move |call| match call.is("ExchangeApiKey") {
        true if switch.load(Ordering::Relaxed) => Reply::Refusal(service::status::unavailable("the database is away")),
        true => exchanged(call, &times),
        false => empty(),
    })
    .await;
    clock.set(door.clock.now());
    (door, away, clock)
}

#[tokio::test]
async fn a_token_is_passed_on_as_it_is() {
    let door = open(Config::default(), |_| empty()).await;
    let token = token("anna");
    assert_eq!(door.get("/v1/roles").bearer_auth(&token).send().await.unwrap().status(), 200);
    assert_eq!(door.backend.only("ListRoles").header("authorization"), format!("Bearer {token}"));
}

#[tokio::test]
async fn who_has_no_good_credential_is_refused_before_a_service_is_asked() {
    let door = open(Config::default(), |_| empty()).await;
    let url = format!("{}/v1/roles", door.url);
    let (status, body) = told(Client::new().get(&url).send().await.unwrap()).await;
    assert_eq!((status, body["reason"].as_str().unwrap()), (401, "NO_TOKEN"));
    let forged = format!("{}x", token("anna"));
    for bad in [forged.as_str(), "whatever.it.is", "a", "eyJhbGciOiJub25lIn0.e30."] {
        let (status, body) = told(Client::new().get(&url).bearer_auth(bad).send().await.unwrap()).await;
        assert_eq!((status, body["reason"].as_str().unwrap()), (401, "BAD_TOKEN"), "{bad}");
    }
    assert!(door.backend.calls("ListRoles").is_empty());
    let public = Client::new().get(format!("{}/v1/auth/jwks", door.url)).bearer_auth("stale").send().await.unwrap();
    assert_eq!(public.status(), 200, "a stale token keeps nobody from what is public");
}

#[tokio::test]
async fn an_api_key_is_exchanged_once_and_its_token_kept() {
    let (door, _, _) = with_identity().await;
    for number in 0..3 {
        let request = door.get("/v1/roles");
        let request = if number == 2 { request.bearer_auth("sf_good") } else { request.header("x-api-key", "sf_good") };
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    assert_eq!(door.backend.calls("ExchangeApiKey").len(), 1);
    for call in door.backend.calls("ListRoles") {
        assert_eq!(call.header("authorization"), "Bearer token-of-sf_good");
        assert_eq!(call.header("x-api-key"), "", "the key itself goes no further");
    }
}

#[tokio::test]
async fn many_requests_with_a_new_key_make_one_exchange() {
    let (door, _, _) = with_identity().await;
    let requests = (0..20).map(|_| door.get("/v1/roles").header("x-api-key", "sf_good").send());
    for response in futures::future::join_all(requests).await {
        assert_eq!(response.unwrap().status(), 200);
    }
    assert_eq!(door.backend.calls("ExchangeApiKey").len(), 1);
}

#[tokio::test]
async fn an_unknown_key_is_unauthenticated_and_reaches_no_service() {
    let (door, _, _) = with_identity().await;
    for key in ["sf_bad", "nonsense", ""] {
        let (status, body) = told(door.get("/v1/roles").header("x-api-key", key).send().await.unwrap()).await;
        assert_eq!((status, body["reason"].as_str().unwrap()), (401, "BAD_CREDENTIALS"), "{key}");
    }
    for value in ["Basic YTpi", "Bearer", "sf_good"] {
        let response = door.get("/v1/roles").header("authorization", value).send().await.unwrap();
        assert_eq!(response.status(), 401, "{value}");
    }
    assert!(door.backend.calls("ListRoles").is_empty());
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_used_on_while_identity_is_away() {
    let (door, away, clock) = with_identity().await;
    let ask = || async { door.get("/v1/roles").header("x-api-key", "sf_good").send().await.unwrap().status().as_u16() };
    let advance = |by: time::Duration| {
        door.clock.advance(by);
        clock.set(door.clock.now());
    };
    assert_eq!(ask().await, 200);
    advance(time::Duration::seconds(9 * 60 + 10));
    assert_eq!(ask().await, 200);
    testkit::eventually("the token is renewed", async || door.backend.calls("ExchangeApiKey").len() == 2).await;

    away.store(true, Ordering::Relaxed);
    advance(time::Duration::seconds(9 * 60 + 10));
    assert_eq!(ask().await, 200, "the token is still good");
    testkit::eventually("a renewal is tried", async || door.backend.calls("ExchangeApiKey").len() >= 3).await;
    assert_eq!(ask().await, 200);
    advance(time::Duration::minutes(2));
    let (status, body) = told(door.get("/v1/roles").header("x-api-key", "sf_good").send().await.unwrap()).await;
    assert_eq!((status, body["reason"].as_str().unwrap()), (503, "UNAVAILABLE"));

    away.store(false, Ordering::Relaxed);
    assert_eq!(ask().await, 200);
}

#[tokio::test]
async fn a_key_that_was_revoked_stops_within_seconds() {
    for (idle, first) in [(16, 200), (31, 401)] {
        let (revoked, clock) = (Arc::new(AtomicBool::new(false)), Clock::fixed(time::OffsetDateTime::now_utc()));
        let (switch, times) = (Arc::clone(&revoked), clock.clone());
        let door = open(Config::default(), move |call| match call.is("ExchangeApiKey") {
            true if switch.load(Ordering::Relaxed) => {
                Reply::Refusal(service::status::unauthenticated("BAD_CREDENTIALS", "revoked"))
            }
            true => exchanged(call, &times),
            false => empty(),
        })
        .await;
        clock.set(door.clock.now());
        let ask = async || door.get("/v1/roles").header("x-api-key", "sf_good").send().await.unwrap().status().as_u16();
        assert_eq!(ask().await, 200);
        revoked.store(true, Ordering::Relaxed);
        door.clock.advance(time::Duration::seconds(idle));
        assert_eq!(ask().await, first, "after {idle} seconds");
        testkit::eventually("the key is refused", async || ask().await == 401).await;
    }
}

#[tokio::test]
async fn identity_is_asked_about_a_key_in_use_four_times_a_minute() {
    let (door, away, clock) = with_identity().await;
    let ask = async || door.get("/v1/roles").header("x-api-key", "sf_good").send().await.unwrap().status().as_u16();
    for asked in 1..=8 {
        for _ in 0..10 {
            assert_eq!(ask().await, 200);
        }
        let exchanges = || door.backend.calls("ExchangeApiKey").len();
        testkit::eventually("the key is exchanged anew", async || exchanges() >= asked).await;
        assert_eq!(exchanges(), asked);
        // It is asked no more often while it is away.
        away.store(asked >= 4, Ordering::Relaxed);
        door.clock.advance(time::Duration::seconds(15));
        clock.set(door.clock.now());
    }
}
