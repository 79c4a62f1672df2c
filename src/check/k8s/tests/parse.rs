//! Targets and kubeconfigs: what is taken, and what is wrong with the others.

use std::path::Path;

use super::server::plan;
use crate::check::k8s::cluster::{Source, User};
use crate::plan::env::Env;
use crate::plan::problem::Problem;

#[test]
fn targets_are_read() {
    for target in [
        "k8s:job/migrate",
        "k8s:shop/job/migrate",
        "k8s:Deployment/web",
        "k8s:deployments.apps/web",
        "k8s:certificate.cert-manager.io/web#condition=Ready&condition=Issuing=False",
        "k8s:pod#selector=app%3Dweb&min=2",
        "k8s:shop/pod#selector=app%3Dweb",
        "k8s:service/web#min=3",
        "k8s:endpoint/web#ip=10.1.2.3",
        "k8s:endpoint/web#ip=fd00::1",
        "k8s:clusterrole/system:node",
        "k8s:pvc/data#jsonpath=$.status.phase==Bound",
        "k8s:pod/old#absent",
        "not k8s:pod/old",
        "k8s:job/x#api=http://127.0.0.1:8001/k8s",
    ] {
        assert!(plan(target, &Env::default()).is_ok(), "{target}");
    }
}

#[test]
fn mistakes_are_named() {
    for (target, says) in [
        ("k8s:job", "the name is missing"),
        ("k8s:", "a part is empty"),
        ("k8s:job/", "a part is empty"),
        ("k8s:a/b/c/d", "too many slashes"),
        ("k8s://job/x", "has no host"),
        ("k8s:Shop/job/x", "'Shop' cannot be a namespace"),
        ("k8s:job/My_Job!", "cannot be a name"),
        ("k8s:jo b/x", "cannot be a kind"),
        ("k8s:shop/node/one", "nodes are in no namespace"),
        ("k8s:pod/web#selector=a%3Db", "do not go together"),
        ("k8s:shop/pod/web#selector=a%3Db", "do not go together"),
        ("k8s:pod#selector", "there are no labels"),
        ("k8s:svc#selector=a%3Db", "looked up by the Service's name"),
        ("k8s:job/x#min=2", "option min is for"),
        ("k8s:svc/x#min=0", "not a whole number from 1 on"),
        ("k8s:pod#selector=a%3Db&min=2&absent", "min and absent"),
        ("k8s:svc/x#condition=Ready", "a Service has no conditions"),
        ("k8s:pod/x#ip=10.1.2.3", "option ip is for"),
        ("k8s:svc/x#ip=here", "'here' is not an address"),
        ("k8s:pod/x#condition==True", "is not a condition"),
        ("k8s:pod/x#condition=Ready&absent", "do not go together"),
        ("k8s:pod/x#jsonpath={.status}", "not written in braces"),
        ("not k8s:pod/x#absent", "absent has no opposite"),
        ("k8s:pod/x#api=localhost:8001", "not a URL"),
        ("k8s:pod/x#api=http://me:pw@localhost", "takes no user or password"),
        ("k8s:pod/x#api=http://h&context=c", "do not go together"),
        ("k8s:pod/x#kubeconfig=/nowhere/at/all", "cannot read the kubeconfig"),
        ("k8s:pod/x#conditon=Ready", "no option 'conditon'"),
    ] {
        let problems = plan(target, &Env::default()).map(|_| ()).unwrap_err();
        assert!(problems.iter().any(|what| what.contains(says)), "{target}: {problems:?}");
        assert!(!problems.concat().contains("pw"), "{problems:?}");
    }
}

#[test]
fn the_cluster_is_looked_for_as_kubectl_does() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    let config = folder.path().join(".kube/config");
    let source = |env: &[(&str, &str)], target: &str| {
        let pairs = env.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let env = Env::new(pairs);
        let target = crate::plan::target::Target::parse(target, None, &env).unwrap();
        Source::read(&mut crate::check::Draft::new(&target, &env)).0
    };
    let account = Path::new("/var/run/secrets/kubernetes.io/serviceaccount");
    let pod = [("KUBERNETES_SERVICE_HOST", "fd00::1"), ("KUBERNETES_SERVICE_PORT", "6443"), ("HOME", home)];
    assert_eq!(source(&[], "k8s:job/x"), Source::None);
    assert_eq!(source(&[("HOME", home)], "k8s:job/x"), Source::None);
    assert_eq!(source(&pod, "k8s:job/x"), Source::Pod("fd00::1".into(), "6443".into(), account.into()));
    std::fs::create_dir(folder.path().join(".kube")).unwrap();
    std::fs::write(&config, "").unwrap();
    assert_eq!(source(&[("HOME", home)], "k8s:job/x"), Source::Files(vec![config.clone()], None));
    assert_eq!(
        source(&[("HOME", home)], "k8s:job/x#context=c"),
        Source::Files(vec![config], Some("c".into()))
    );
    let both = Source::Files(vec!["/a".into(), "/b".into()], None);
    assert_eq!(source(&[pod[0], ("KUBECONFIG", "/a:/b")], "k8s:job/x"), both);
    assert_eq!(source(&pod, "k8s:job/x#kubeconfig=/c"), Source::Files(vec!["/c".into()], None));
}

const CONFIG: &str = r#"
apiVersion: v1
kind: Config
current-context: dev
preferences: {}
clusters:
- name: near
  cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}
- name: far
  cluster:
    server: https://far.example.com/k8s/clusters/c-1
    tls-server-name: kubernetes
    proxy-url: http://127.0.0.1:3128
- {name: odd, cluster: {server: "far:6443"}}
contexts:
- name: dev
  context: {cluster: near, user: dev, namespace: shop}
- context: {cluster: far, user: file}
  name: prod
- {name: cloud, context: {cluster: far, user: cloud}}
- {name: basic, context: {cluster: far, user: basic}}
- {name: half, context: {cluster: far, user: half}}
- {name: nouser, context: {cluster: far, user: nobody}}
- {name: nocluster, context: {cluster: none}}
- {name: odd, context: {cluster: odd}}
users:
- name: dev
  user: {token: 12345}
- name: file
  user: {tokenFile: secrets/token}
- name: cloud
  user:
    exec: {apiVersion: client.authentication.k8s.io/v1, command: aws, args: [eks, get-token]}
- {name: basic, user: {username: me, password: hunter2}}
- {name: half, user: {client-certificate-data: "!!!"}}
"#;

fn cluster(text: &str, context: Option<&str>) -> Result<crate::check::k8s::cluster::Cluster, Problem> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(&path, text).unwrap();
    Source::Files(vec![path], context.map(str::to_owned)).cluster()
}

#[test]
fn kubeconfigs_are_read() {
    let dev = cluster(CONFIG, None).unwrap();
    assert_eq!((dev.url.as_str(), dev.namespace.as_str()), ("https://127.0.0.1:6443/", "shop"));
    assert_eq!(dev.user.header().unwrap().unwrap(), "Bearer 12345");
    assert!(!format!("{dev:?}").contains("12345"));
    let prod = cluster(CONFIG, Some("prod")).unwrap();
    assert_eq!(prod.url.as_str(), "https://far.example.com/k8s/clusters/c-1");
    assert_eq!(prod.namespace, "default");
    assert!(prod.proxy.is_some() && prod.tls.sni().is_some());
    let User::TokenFile(path) = &prod.user else { panic!("{:?}", prod.user) };
    assert!(path.is_absolute() && path.ends_with("secrets/token"), "{}", path.display());
}

#[test]
fn kubeconfigs_that_cannot_be_used_say_why() {
    for (context, says) in [
        ("prd", "no context 'prd'"),
        ("cloud", "a program that fetches credentials (exec), which is not supported"),
        ("basic", "a user name and password, which is not supported"),
        ("half", "client-certificate-data: not base64"),
        ("nouser", "no user 'nobody'"),
        ("nocluster", "no cluster 'none'"),
        ("odd", "server: not a URL"),
    ] {
        let problem = cluster(CONFIG, Some(context)).unwrap_err();
        assert!(problem.what.contains(says), "{context}: {}", problem.what);
        assert!(!problem.what.contains("hunter2"));
    }
    assert!(cluster(CONFIG, Some("prd")).unwrap_err().hint.unwrap().contains("prod"));
    for (text, says) in [
        ("", "is no kubeconfig"),
        ("clusters: [", "no YAML at line"),
        ("clusters: {a: hunter2}", "another form"),
        ("current-context: &a x\nkind: *a", "alias"),
        ("kind: Config", "no current context"),
    ] {
        let problem = cluster(text, None).unwrap_err();
        assert!(problem.what.contains(says), "{text}: {}", problem.what);
        assert!(!problem.what.contains("hunter2"));
    }
    let missing = Source::Files(vec!["/nowhere/a".into(), "/nowhere/b".into()], None).cluster();
    assert!(missing.unwrap_err().what.contains("no current context"));
}
