//! `dev` and `serve` as processes, and commands that speak to them.

use std::net::TcpListener;

use serde_json::json;

use super::program::Place;

#[test]
fn dev_is_ready_on_any_port_answers_and_leaves_nothing_behind() {
    let place = Place::new();
    let dev = place.serve(&["dev", "--demo", "--ephemeral", "--port", "0"]);
    assert_eq!(dev.ready["mode"], "development mode: loopback only");
    let data = dev.ready["data"].as_str().expect("a path").to_owned();
    let params = "{\"text\": \"Tea is good. Tea is hot.\"}";
    let envelope = place.run(&["--json", "--server", dev.url(), "route", "demo.statistics", "--params", params]).json(0);
    assert_eq!((&envelope["result"]["words"], &envelope["source"]), (&json!(6), &json!("local")));
    assert_eq!(place.run(&["health", "--server", dev.url()]).code, Some(0));
    assert_eq!(dev.terminate(), Some(0));
    assert!(!std::path::Path::new(&data).exists() && !place.path().join("data").exists());
}

#[test]
fn dev_takes_the_next_port_when_the_wanted_one_is_taken() {
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = held.local_addr().expect("an address").port().to_string();
    let place = Place::new();
    let dev = place.serve(&["dev", "--ephemeral", "--port", &port]);
    assert!(!dev.url().ends_with(&format!(":{port}")), "{}", dev.url());
    assert_eq!(dev.terminate(), Some(0));
}

#[test]
fn serve_refuses_a_port_that_is_taken_with_5() {
    let held = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = held.local_addr().expect("an address").to_string();
    assert_eq!(Place::new().run(&["--json", "serve", "--listen", &address]).code, Some(5));
}

#[test]
fn beyond_loopback_serve_wants_a_key() {
    let open = Place::new().run(&["serve", "--listen", "0.0.0.0:0"]);
    assert!(open.code == Some(2) && open.stderr.contains("keys create"), "{}", open.stderr);
    let cloud = Place::new().run(&["serve", "--env", "cloud", "--listen", "0.0.0.0:0"]);
    assert!(cloud.code == Some(2) && cloud.stderr.contains("EVERREACH_CLOUD_KEY"), "{}", cloud.stderr);
}

#[test]
fn a_cloud_terminal_says_what_it_is() {
    let place = Place::new().with("EVERREACH_CLOUD_KEY", "a-key-for-a-test");
    let cloud = place.serve(&["serve", "--env", "cloud", "--listen", "127.0.0.1:0"]);
    assert_eq!((&cloud.ready["role"], &cloud.ready["env"]), (&json!("cloud-terminal"), &json!("cloud")));
}

#[test]
fn commands_send_the_key_from_the_environment_or_a_file_and_are_4_without() {
    let place = Place::new().with("EVERREACH_ADMIN_KEY", "a-key-for-a-test");
    let server = place.serve(&["serve", "--listen", "127.0.0.1:0"]);
    let stranger = Place::new();
    assert_eq!(stranger.run(&["--json", "--server", server.url(), "cost"]).problem(4)["code"], "unauthorized");
    let friend = Place::new().with("EVERREACH_KEY", "a-key-for-a-test");
    assert!(friend.run(&["--json", "--server", server.url(), "cost"]).json(0)["month"].is_string());
    stranger.write("key", "a-key-for-a-test\n");
    assert_eq!(stranger.run(&["--server", server.url(), "--key-file", "key", "cost"]).code, Some(0));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_stop_on_the_command_line_reaches_a_running_server() {
    let place = Place::new();
    let server = place.serve(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(place.run(&["--json", "stop", "--reason", "a test"]).json(0)["stopped"], true);
    let params = "{\"platform\": \"twitter\", \"username\": \"a\", \"text\": \"b\"}";
    let envelope = place.run(&["--json", "--server", server.url(), "route", "dm.send", "--params", params]).json(6);
    assert_eq!(envelope["error"], "stopped");
}
