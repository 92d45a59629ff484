use std::collections::BTreeSet;

use super::*;

async fn document() -> Value {
    let door = open(Config::default(), |_| empty()).await;
    door.get("/openapi.json").send().await.unwrap().json().await.unwrap()
}

fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().iter().map(move |(method, op)| (path, method, op)))
        .collect()
}

#[tokio::test]
async fn every_route_is_described_with_its_comment_permission_and_answer() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let operations = operations(&document);
    assert!(operations.len() > 100, "{}", operations.len());
    let ids: BTreeSet<&str> = operations.iter().map(|(_, _, op)| op["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len(), "operation ids are unique");
    for (path, method, operation) in operations {
        assert!(!operation["description"].as_str().unwrap().is_empty(), "{method} {path} has no comment");
        assert!(!operation["x-permission"].as_str().unwrap().is_empty(), "{method} {path} names no permission");
        assert!(operation["responses"]["200"]["content"].is_object());
        for name in path.split(['{', '}']).skip(1).step_by(2) {
            let parameters = operation["parameters"].as_array().unwrap();
            assert!(parameters.iter().any(|p| p["name"] == name && p["in"] == "path"), "{path} lacks {name}");
        }
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_field_has_its_comment() {
    let document = document().await;
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is missing");
    }
    for (name, schema) in schemas {
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            assert!(schema["description"].is_string() || name == "Problem", "{name}.{field} has no comment");
        }
    }
}

#[tokio::test]
async fn what_a_sign_in_takes_and_gives_can_be_read() {
    let document = document().await;
    let operation = &document["paths"]["/v1/auth/sign-in"]["post"];
    assert_eq!(operation["security"], serde_json::json!([]));
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    assert_eq!(schema, "#/components/schemas/identity.v1.SignInRequest");
    let list = &document["paths"]["/v1/employees"]["get"]["parameters"];
    let names: Vec<&str> = list.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["page.page_size", "page.page_token", "active_only", "role"]);
    let create = &document["paths"]["/v1/api-keys"]["post"]["parameters"];
    assert_eq!(create[0]["name"], "Idempotency-Key");
}

#[tokio::test]
async fn the_pages_need_nothing_from_elsewhere() {
    let door = open(Config::default(), |_| empty()).await;
    for path in ["/docs", "/docs/page.css", "/docs/page.js"] {
        let response = door.get(path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
        assert!(!response.text().await.unwrap().contains("http"), "{path} names another address");
    }
    let compressed = door.get("/openapi.json").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(compressed.headers()["content-encoding"], "gzip");
}

#[tokio::test]
async fn it_says_whether_it_lives_and_is_ready() {
    let door = open(Config::default(), |_| empty()).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(door.get(path).send().await.unwrap().status(), 200, "{path}");
    }
}

#[tokio::test]
async fn every_request_is_measured_by_its_route() {
    let figures = service::ops::metrics_handle();
    let door = open(Config::default(), |_| empty()).await;
    door.get("/v1/employees/42").send().await.unwrap();
    door.get("/v1/employees/43").send().await.unwrap();
    door.get("/v1/made-up").send().await.unwrap();
    let text = figures.render();
    let line = |route: &str, status: &str| {
        let labels = format!("{{method=\"GET\",route=\"{route}\",status=\"{status}\"}}");
        text.contains(&format!("http_server_request_duration_seconds_count{labels}"))
    };
    assert!(line("/v1/employees/{employee_id}", "200") && line("none", "404"), "{text}");
    assert!(!text.contains("/v1/employees/42"), "ids are no labels");
}
