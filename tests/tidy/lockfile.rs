//! One of each where two would hurt.

use crate::sources::text;

fn versions(of: &str) -> Vec<String> {
    let lock: toml::Table = text("Cargo.lock").parse().expect("a lock file");
    let packages = lock["package"].as_array().expect("packages");
    let matching = packages.iter().filter(|package| package["name"].as_str() == Some(of));
    matching.map(|package| package["version"].as_str().expect("a version").to_owned()).collect()
}

#[test]
fn there_is_one_sqlite_in_the_tree() {
    assert_eq!(versions("libsqlite3-sys").len(), 1);
}

#[test]
fn there_is_one_tls_stack_with_one_crypto_provider() {
    assert_eq!(versions("rustls").len(), 1);
    assert_eq!(versions("ring").len(), 1);
    for unwanted in ["aws-lc-rs", "openssl-sys", "native-tls"] {
        assert!(versions(unwanted).is_empty(), "{unwanted} came in: rustls with ring is the one TLS stack");
    }
}
