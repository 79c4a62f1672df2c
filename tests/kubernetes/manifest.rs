//! `prereq manifest`.

use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::{strict, yaml};

/// The status, what is printed, and what is said beside it.
fn manifest<const N: usize>(args: &[&str], vars: [(&str, &str); N]) -> (i32, String, String) {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_prereq"))
        .arg("manifest")
        .args(args)
        .env_clear()
        .envs(vars)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// The documents of a manifest that must succeed.
fn made<const N: usize>(args: &[&str], vars: [(&str, &str); N]) -> Vec<Value> {
    let (status, text, errors) = manifest(args, vars);
    assert_eq!((status, errors.as_str()), (0, ""), "{args:?}");
    yaml::documents(&text)
}

const KINDS: [&str; 5] = ["init", "sidecar", "readiness", "poststart", "prestop"];

/// Words with all that needs care.
const HARD: [&str; 8] = [
    "--timeout=2m",
    "http://user:hunter2@web/?api_key=hunter3#json=$.state==ready",
    "--http=api/#header=Authorization:Bearer%20hunter4",
    "then",
    "tcp://${DB}:5432#expect=$(ok)$$",
    "or",
    "not",
    "file:/ready: yes",
];

#[test]
fn all_kinds_and_forms_are_what_kubernetes_takes() {
    for kind in KINDS {
        let args = [&["--kind", kind][..], &HARD].concat();
        let vars = [("DB", "db"), ("PREREQ_INTERVAL", "1s"), ("PREREQ_PROXY", "http://u:hunter5@proxy:3128")];
        let documents = made(&args, vars);
        assert_eq!(documents.len(), 1, "{kind}");
        assert_eq!(strict::check(&documents[0]), Ok(()), "{kind}");
        for container in strict::containers(&documents[0]) {
            // The Pod's own container is somebody else's.
            let own = container["name"] == "app";
            assert_eq!(strict::is_restricted(container), !own, "{kind}: {container}");
            assert!(own || container["resources"]["limits"]["memory"].is_string(), "{kind}");
            assert!(own || container["image"] == concat!("prereq:", env!("CARGO_PKG_VERSION")), "{kind}");
        }
        let json_args = [&["--format=json"][..], &args].concat();
        let (status, text, _) = manifest(&json_args, vars);
        assert_eq!(
            (status, serde_json::from_str::<Value>(&text).unwrap()),
            (0, documents[0].clone()),
            "{kind}"
        );
        let patch = made(&[&["--format=patch"][..], &args].concat(), vars);
        assert_eq!(patch, [json!({"spec": {"template": documents[0]}})], "{kind}");
        let mut deployment = patch[0].clone();
        deployment["apiVersion"] = "apps/v1".into();
        deployment["kind"] = "Deployment".into();
        assert_eq!(strict::check(&deployment), Ok(()), "{kind}");
    }
}

#[test]
fn no_secret_stands_in_any_of_it() {
    for kind in KINDS {
        for format in ["yaml", "json", "patch"] {
            let args = [&["--kind", kind, "--format", format][..], &HARD].concat();
            let vars =
                [("DB", "db"), ("PREREQ_PROXY", "http://u:hunter5@proxy:3128"), ("DB_PASSWORD", "hunter6")];
            let args = [&args[..], &["then", "http://u:${DB_PASSWORD}@db/"]].concat();
            let (status, text, errors) = manifest(&args, vars);
            assert_eq!(status, 0, "{errors}");
            assert!(
                !text.contains("hunter") && !errors.contains("hunter"),
                "{kind} {format}\n{text}{errors}"
            );
            for key in ["web-password", "web-api-key", "api-authorization", "prereq-proxy", "db-password"] {
                assert!(text.contains(key), "{kind} {format}: {key}\n{text}");
            }
        }
    }
    let (_, text, _) = manifest(&[], [("PREREQ_TARGETS", "'http://u:hunter2@web/#name=a b' or file:/x")]);
    assert!(
        !text.contains("hunter2") && text.contains("'http://u:${WEB_PASSWORD}@web/#name=a b' or file:/x"),
        "{text}"
    );
}

#[test]
fn the_words_arrive_as_they_were() {
    let documents = made(&["--kind=poststart", "tcp://db:1#expect=$(ok)$$", "-vv", "--once=no"], []);
    let command = &strict::containers(&documents[0])[1]["lifecycle"]["postStart"]["exec"]["command"];
    // Kubernetes expands nothing in hooks, but in arguments and probes.
    let words = json!([
        "/shared/prereq",
        "--termination-log=",
        "tcp://db:1#expect=$(ok)$$",
        "--verbose",
        "--verbose",
        "--once=no"
    ]);
    assert_eq!(*command, words);
    let documents = made(&["tcp://db:1#expect=$(ok)$$", "--image=app:1", "--", "run", "--it", "$(X)"], []);
    let args = &strict::containers(&documents[0])[0]["args"];
    assert_eq!(*args, json!(["tcp://db:1#expect=$$(ok)$$$", "--", "run", "--it", "$$(X)"]));
}

#[test]
fn what_is_made_is_accepted_by_the_program_itself() {
    for kind in KINDS {
        let documents = made(&["--kind", kind, "--timeout=2m", "tcp://db:5432", "then", "http://web/"], []);
        for container in strict::containers(&documents[0]) {
            for words in crate::examples::command_lines(container) {
                assert_eq!(crate::examples::refused(&words, &[]), None, "{kind}: {words:?}");
            }
        }
    }
}

#[test]
fn the_annotation_names_what_the_pod_depends_on() {
    let pod =
        &made(&["http://u:p@web/x#status=204", "then", "not", "tcp://${POD_IP}:80", "or", "dns:db"], [])[0];
    let annotation = &pod["metadata"]["annotations"]["prereq/waits-for"];
    assert_eq!(*annotation, "http://u:***@web/x, not tcp://${POD_IP}:80, dns:db");
    let env = &strict::containers(pod)[0]["env"];
    assert_eq!(env[1]["valueFrom"]["fieldRef"]["fieldPath"], "status.podIP", "{env}");
}

#[test]
fn times_fit_together() {
    let readiness =
        &made(&["--kind=readiness", "tcp://a:1#attempt-timeout=1500ms", "then", "tcp://b:1"], [])[0];
    // 1.5 s and 5 s one after the other, and a second more.
    assert_eq!(strict::containers(readiness)[1]["readinessProbe"]["timeoutSeconds"], 8);
    let sidecar = &made(&["--kind=sidecar", "--timeout=90s", "tcp://a:1"], [])[0];
    let sidecar = strict::containers(sidecar)[0];
    assert_eq!(
        (&sidecar["startupProbe"]["failureThreshold"], &sidecar["restartPolicy"]),
        (&json!(90), &json!("Always"))
    );
    assert_eq!(sidecar["args"][0], "--timeout=0");
    let prestop = &made(&["--kind=prestop", "--timeout=20s", "not", "tcp://a:1"], [])[0];
    assert_eq!(prestop["spec"]["terminationGracePeriodSeconds"], 50);
    let forever = &made(&["--kind=prestop", "--timeout=0", "not", "tcp://a:1"], [])[0];
    assert_eq!(forever["spec"]["terminationGracePeriodSeconds"], Value::Null);
}

#[test]
fn names_and_images_are_as_asked_for() {
    let args = [
        "--kind=readiness",
        "--name=gate",
        "--container=web",
        "--image=registry:5000/prereq:0.1",
        "tcp://a:1",
    ];
    let (_, text, _) = manifest(&args, []);
    assert!(!text.contains("--image"), "{text}");
    let pod = &yaml::documents(&text)[0];
    let names: Vec<&Value> = strict::containers(pod).iter().map(|container| &container["name"]).collect();
    assert_eq!(
        (names, &pod["spec"]["volumes"][0]["name"]),
        (vec![&json!("gate-install"), &json!("web")], &json!("gate"))
    );
    let pod = &made(&["--kind=readiness", "--binary=/bin/prereq", "tcp://a:1"], [])[0];
    assert_eq!(pod["spec"]["initContainers"], Value::Null);
    assert_eq!(strict::containers(pod)[0]["readinessProbe"]["exec"]["command"][0], "/bin/prereq");
}

#[test]
fn files_of_the_pod_need_not_be_here_and_are_told() {
    let (status, text, errors) = manifest(
        &["https://web/#cacert=/no/such/ca.pem", "--report=/no/such/wait.json", "tcp://localhost:1"],
        [],
    );
    assert_eq!(status, 0, "{errors}");
    for says in [
        "# /no/such/ca.pem (cacert) is to be mounted",
        "# /no/such/wait.json (report) is to be mounted",
        "# tcp://localhost:1 is the Pod itself",
        "https://web/#cacert=/no/such/ca.pem",
    ] {
        assert!(text.contains(says), "{says}\n{text}");
    }
}

#[test]
fn rights_are_made_for_objects_of_the_cluster() {
    let targets = [
        "k8s:job/migrate",
        "k8s:shop/service/db",
        "k8s:widgets.v1.example.org/w#condition=Ready",
        "k8s:node/a",
    ];
    let documents = made(&[&["--namespace=web"][..], &targets].concat(), []);
    let kinds: Vec<&str> =
        documents.iter().map(|document| document["kind"].as_str().unwrap_or("template")).collect();
    assert_eq!(
        kinds,
        [
            "template",
            "ServiceAccount",
            "Role",
            "RoleBinding",
            "Role",
            "RoleBinding",
            "ClusterRole",
            "ClusterRoleBinding",
        ]
    );
    for document in &documents {
        assert_eq!(strict::check(document), Ok(()), "{document}");
    }
    assert_eq!(documents[0]["spec"]["serviceAccountName"], "prereq");
    let rules = json!([
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["example.org"], "resources": ["widgets"], "verbs": ["get", "list", "watch"]},
    ]);
    assert_eq!(documents[2]["rules"], rules);
    assert_eq!(documents[4]["rules"][0]["resources"], json!(["endpointslices"]));
    let alone = made(&[&["--namespace=web", "--kind=rbac"][..], &targets].concat(), []);
    assert_eq!(alone, documents[1..]);
    // An account that is there is not made anew, but gets the rights.
    let own = made(&["--service-account=shop", "--namespace=web", "k8s:job/migrate"], []);
    assert_eq!((own.len(), &own[0]["spec"]["serviceAccountName"]), (3, &json!("shop")));
    assert_eq!(own[2]["subjects"][0]["name"], "shop");
}

#[test]
fn a_configuration_file_says_what_is_waited_for() {
    let file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    std::fs::write(file.path(), "targets:\n  - tcp://${DB_PASSWORD}:1\n  - dns:db\n").unwrap();
    let config = format!("--config={}", file.path().display());
    let pod = &made(&[&config], [])[0];
    let container = strict::containers(pod)[0];
    assert_eq!(container["args"], json!([config]));
    assert_eq!(container["env"][0]["valueFrom"]["secretKeyRef"]["key"], "db-password");
}

#[test]
fn mistakes_are_told_and_nothing_is_printed() {
    for (args, says) in [
        (&["tcp://a:1", "--kind=initt"][..], "did you mean 'init'?"),
        (&["tcp://a:1", "--format=yml"], "did you mean 'yaml'?"),
        (&["tcp://a:1", "--iamge=x:1"], "did you mean '--image'?"),
        (&["tcp://a:1", "--image=prereq"], "'prereq' has no tag"),
        (&["tcp://a:1", "--image=registry:5000/prereq:latest"], "may be another image tomorrow"),
        (&["tcp://a:1", "--name=Prereq"], "'Prereq' cannot be a name"),
        (&["tcp://a:1", "--binary=prereq"], "is not a whole path"),
        (&["tcp://a:1", "--kind=rbac"], "no target needs an account"),
        (&["tcp://a:1", "--kind=rbac", "--format=patch"], "rights are no part of a Pod template"),
        (&["tcp://${DB}:1"], "variable DB is not set"),
        (&["tcp:/a"], "is not followed by '//'"),
        (&[], "nothing to wait for"),
    ] {
        let (status, text, errors) = manifest(args, []);
        assert_eq!((status, text.as_str()), (2, ""), "{args:?}");
        assert!(errors.contains(says), "{args:?}\n{errors}");
    }
    let (status, _, errors) = manifest(&["--kind=sidecar"], [("PREREQ_TCP", "a:1")]);
    assert!(status == 2 && errors.contains("from the command line only"), "{errors}");
}
