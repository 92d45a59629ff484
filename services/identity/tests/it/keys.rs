use proto::identity::v1::{GetJwksRequest, RotateKeysRequest, SignInRequest};
use service::Verifier;
use time::{Duration, OffsetDateTime};
use tonic::Code;

use super::*;

async fn published(app: &TestService) -> Vec<String> {
    let answer = auth(app).get_jwks(GetJwksRequest {}).await.unwrap().into_inner();
    assert!(answer.keys.iter().all(|key| key.kty == "OKP" && key.crv == "Ed25519" && key.alg == "EdDSA"));
    answer.keys.into_iter().map(|key| key.kid).collect()
}

async fn token(app: &TestService) -> String {
    let request = SignInRequest { login: "anna".into(), password: PASSWORD.into() };
    auth(app).sign_in(request).await.unwrap().into_inner().tokens.unwrap().access_token
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

#[tokio::test]
async fn many_first_callers_get_one_key() {
    let app = start().await;
    let asking = (0..8).map(|_| {
        let mut auth = auth(&app);
        tokio::spawn(async move { auth.get_jwks(GetJwksRequest {}).await.unwrap().into_inner().keys[0].kid.clone() })
    });
    let mut kids = Vec::new();
    for asked in asking.collect::<Vec<_>>() {
        kids.push(asked.await.unwrap());
    }
    kids.dedup();
    assert_eq!(kids, published(&app).await);
}

#[tokio::test]
async fn a_new_key_is_published_first_and_used_after_its_grace() {
    let app = start().await;
    app.clock.set(OffsetDateTime::now_utc());
    settled(&app, "anna", &[]).await;
    let old = token(&app).await;
    let verifier = Verifier::new(&app.url, testkit::INTERNAL_SECRET);
    verifier.verify(&old).await.unwrap();
    let mut root = AuthServiceClient::new(app.client_as("root", &["identity.signing_key.rotate"]));
    let new = root.rotate_keys(RotateKeysRequest { revoke_previous: false }).await.unwrap().into_inner();
    assert_eq!(published(&app).await, [kid(&old), new.kid.clone()]);
    assert_eq!(kid(&token(&app).await), kid(&old), "not used before verifiers can know it");
    app.clock.advance(Duration::minutes(10));
    assert_eq!(kid(&token(&app).await), new.kid);
    app.clock.advance(Duration::minutes(61));
    app.run_job("identity_signing_keys").await.unwrap();
    assert_eq!(published(&app).await, [new.kid], "nobody holds a token of the old key any more");
}

#[tokio::test]
async fn after_a_leak_only_the_new_key_is_left() {
    let app = start().await;
    app.clock.set(OffsetDateTime::now_utc());
    settled(&app, "anna", &[]).await;
    let old = token(&app).await;
    let mut root = AuthServiceClient::new(app.client_as("root", &["identity.signing_key.rotate"]));
    let new = root.rotate_keys(RotateKeysRequest { revoke_previous: true }).await.unwrap().into_inner();
    assert_eq!(published(&app).await, [new.kid]);
    let verifier = Verifier::new(&app.url, testkit::INTERNAL_SECRET);
    verifier.verify(&token(&app).await).await.unwrap();
    assert_eq!(verifier.verify(&old).await.unwrap_err().code(), Code::Unauthenticated);
    let private: Vec<Vec<u8>> = sqlx::query_scalar("select private_key from signing_key where retired_at is not null")
        .fetch_all(app.db.pool())
        .await
        .unwrap();
    assert_eq!(private, [vec![0; 32]]);
}

#[tokio::test]
async fn keys_are_renewed_by_the_clock() {
    let app = start().await;
    app.run_job("identity_signing_keys").await.unwrap();
    let first = published(&app).await;
    app.run_job("identity_signing_keys").await.unwrap();
    assert_eq!(published(&app).await, first);
    app.clock.advance(Duration::days(31));
    app.run_job("identity_signing_keys").await.unwrap();
    assert_eq!(published(&app).await.len(), 2);
}

#[tokio::test]
async fn rotating_needs_its_permission() {
    let app = start().await;
    let mut other = AuthServiceClient::new(app.client(&["identity.employee.read"]));
    let refused = other.rotate_keys(RotateKeysRequest { revoke_previous: true }).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn the_first_callers_of_a_service_wait_for_the_keys_together() {
    let app = start().await;
    app.clock.set(OffsetDateTime::now_utc());
    settled(&app, "anna", &[]).await;
    let (token, verifier) = (token(&app).await, Verifier::new(&app.url, testkit::INTERNAL_SECRET));
    let checks = (0..20).map(|_| {
        let (token, verifier) = (token.clone(), verifier.clone());
        tokio::spawn(async move { verifier.verify(&token).await.map(|caller| caller.kind) })
    });
    for check in checks.collect::<Vec<_>>() {
        assert_eq!(check.await.unwrap().unwrap(), service::CallerKind::Employee);
    }
}
