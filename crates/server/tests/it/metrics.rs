//! `/metrics`: numbers for overseers, in Prometheus's form, and nothing of what runs hold.

use http::StatusCode;

use crate::world::World;

#[tokio::test]
async fn overseers_read_numbers_and_others_find_nothing() {
    let world = World::of("clean").await;
    let (overseer, other) = (
        world.service("scraper", &["operator"]).await,
        world.service("s", &["requester"]).await,
    );
    let said = world.get("/metrics", &other).await;
    assert_eq!(
        (said.status, said.code()),
        (StatusCode::NOT_FOUND, "not_found".to_owned())
    );
    let said = world.get("/metrics", &overseer).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    assert_eq!(
        said.headers["content-type"],
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let engine = &world.engine;
    let entries = engine.store().log_size(engine.tenant()).await.unwrap();
    assert!(entries > 0);
    let sample = |name: &str| {
        let mut lines = said.text.lines().filter(|line| !line.starts_with('#'));
        let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found
            .unwrap_or_else(|| panic!("{name}: {}", said.text))
            .to_owned()
    };
    assert_eq!(sample("interlock_log_entries"), entries.to_string());
    assert_eq!(sample("interlock_log_published_entries"), "0");
    assert_eq!(sample("interlock_log_refused"), "0");
    assert_eq!(sample("interlock_anchor_alarms_kept"), "0");
    for line in said.text.lines() {
        let number = line.rsplit_once(' ').unwrap().1;
        assert!(
            line.starts_with('#') || number.parse::<f64>().is_ok(),
            "{line}"
        );
    }
}
