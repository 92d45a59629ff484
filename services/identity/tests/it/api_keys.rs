use proto::identity::v1::api_key_service_client::ApiKeyServiceClient;
use proto::identity::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, ExchangeApiKeyRequest, ExchangeApiKeyResponse, GetApiKeyRequest,
    ListApiKeysRequest, RevokeApiKeyRequest,
};
use service::Verifier;
use time::{Duration, OffsetDateTime};
use tonic::{Code, Response, Status};

use super::*;

fn keys(app: &TestService) -> ApiKeyServiceClient<TestChannel> {
    ApiKeyServiceClient::new(app.client_as("root", &["*"]))
}

fn wanted(name: &str) -> CreateApiKeyRequest {
    CreateApiKeyRequest {
        request_id: format!("key-{name}"),
        name: name.to_owned(),
        channel: "web".to_owned(),
        roles: Vec::new(),
        expires_at: None,
    }
}

async fn made(app: &TestService, request: CreateApiKeyRequest) -> CreateApiKeyResponse {
    keys(app).create_api_key(request).await.unwrap().into_inner()
}

async fn exchange(app: &TestService, secret: &str) -> Result<ExchangeApiKeyResponse, Status> {
    auth(app).exchange_api_key(ExchangeApiKeyRequest { api_key: secret.to_owned() }).await.map(Response::into_inner)
}

#[tokio::test]
async fn a_key_is_shown_once_and_exchanged_for_a_shops_token() {
    let app = start().await;
    app.clock.set(OffsetDateTime::now_utc());
    let first = made(&app, wanted("shop")).await;
    let again = made(&app, wanted("shop")).await;
    assert_eq!((first.api_key.clone(), again.secret.as_str()), (again.api_key, ""));
    let key = first.api_key.unwrap();
    assert!(first.secret.starts_with(&key.prefix) && first.secret.len() == 46 && key.prefix.len() == 11);
    let token = exchange(&app, &first.secret).await.unwrap();
    assert_eq!((token.api_key_id.as_str(), token.channel.as_str()), (key.api_key_id.as_str(), "web"));
    let caller = Verifier::new(&app.url, testkit::INTERNAL_SECRET).verify(&token.access_token).await.unwrap();
    assert_eq!((caller.kind, caller.channel.as_deref()), (service::CallerKind::ApiKey, Some("web")));
    assert_eq!(caller.roles, ["shop"]);
    assert!(caller.may("orders.order.push") && !caller.may("orders.price.write"));
    let get = GetApiKeyRequest { api_key_id: key.api_key_id };
    assert!(keys(&app).get_api_key(get).await.unwrap().into_inner().api_key.unwrap().last_used_at.is_some());
}

#[tokio::test]
async fn the_secret_is_stored_nowhere() {
    let app = start().await;
    let secret = made(&app, wanted("shop")).await.secret;
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    .fetch_all(app.db.pool())
    .await
    .unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select count(*) from \"{table}\" as t where position($1 in t::text) > 0 or position($2 in t::text) > 0"
        )))
        .bind(&secret)
        .bind(secret.bytes().map(|byte| format!("{byte:02x}")).collect::<String>())
        .fetch_one(app.db.pool())
        .await
        .unwrap();
        assert_eq!(found, 0, "the secret lies in {table}");
    }
}

#[tokio::test]
async fn revoked_expired_and_made_up_keys_get_no_token() {
    let app = start().await;
    let revoked = made(&app, wanted("revoked")).await;
    let id = revoked.api_key.unwrap().api_key_id;
    let mut times = Vec::new();
    for _ in 0..2 {
        let answer = keys(&app).revoke_api_key(RevokeApiKeyRequest { api_key_id: id.clone() }).await.unwrap();
        times.push(answer.into_inner().api_key.unwrap().revoked_at);
        app.clock.advance(Duration::minutes(1));
    }
    assert_eq!(times[0], times[1]);
    let soon = app.clock.now() + Duration::minutes(5);
    let expiring = CreateApiKeyRequest { expires_at: Some(proto::to_timestamp(soon)), ..wanted("expiring") };
    let expiring = made(&app, expiring).await.secret;
    let token = exchange(&app, &expiring).await.unwrap();
    assert_eq!(token.expires_at.unwrap().seconds, soon.unix_timestamp(), "no token outlives its key");
    app.clock.advance(Duration::minutes(5));
    for secret in [revoked.secret.as_str(), &expiring, "sf_", "sf_made-up", "Ж\0"] {
        assert_eq!(exchange(&app, secret).await.unwrap_err().code(), Code::Unauthenticated, "{secret:?}");
    }
    assert_eq!(exchange(&app, "").await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn bad_keys_are_refused_with_their_fields() {
    let app = start().await;
    let request = CreateApiKeyRequest {
        request_id: String::new(),
        name: String::new(),
        channel: "Web Shop".into(),
        roles: vec!["x".into()],
        expires_at: Some(proto::to_timestamp(app.clock.now())),
    };
    let refused = keys(&app).create_api_key(request).await.unwrap_err();
    assert_eq!(fields(&refused), ["request_id", "name", "channel", "roles[0]", "expires_at"]);
    let mut limited = ApiKeyServiceClient::new(app.client_as("hr", &["identity.api_key.create"]));
    assert_eq!(reason(&limited.create_api_key(wanted("shop")).await.unwrap_err()), "ROLE_BEYOND_CALLER");
}

#[tokio::test]
async fn keys_are_listed_newest_first() {
    let app = start().await;
    for name in ["one", "two"] {
        made(&app, wanted(name)).await;
        app.clock.advance(Duration::minutes(1));
    }
    made(&app, CreateApiKeyRequest { channel: "market".into(), ..wanted("three") }).await;
    let list = |channel: &str| ListApiKeysRequest { channel: channel.to_owned(), ..Default::default() };
    let names = |answer: Response<proto::identity::v1::ListApiKeysResponse>| {
        answer.into_inner().api_keys.into_iter().map(|key| key.name).collect::<Vec<_>>()
    };
    assert_eq!(names(keys(&app).list_api_keys(list("")).await.unwrap()), ["three", "two", "one"]);
    assert_eq!(names(keys(&app).list_api_keys(list("web")).await.unwrap()), ["two", "one"]);
}
