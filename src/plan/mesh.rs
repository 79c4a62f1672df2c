//! Service meshes: a proxy beside the program takes its connections, and refuses them until it is ready itself.

use crate::content;

/// Where the downward API usually shows a Pod's annotations to its containers
/// (<https://kubernetes.io/docs/tasks/inject-data-application/downward-api-volume-expose-pod-information/>).
const ANNOTATIONS: &str = "/etc/podinfo/annotations";

/// The mesh whose proxy is waited for, before anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mesh {
    /// None; but it is said when the Pod belongs to one.
    #[default]
    Auto,
    /// None.
    Off,
    /// Istio's.
    Istio,
    /// Linkerd's.
    Linkerd,
}

impl Mesh {
    /// The target that says whether the proxy is ready: what the meshes' own injectors take for its readiness probe
    /// (<https://istio.io/latest/docs/ops/deployment/application-requirements/#ports-used-by-istio>,
    /// <https://linkerd.io/2/reference/proxy-configuration/>).
    #[must_use]
    pub fn proxy(self) -> Option<&'static str> {
        match self {
            Self::Auto | Self::Off => None,
            Self::Istio => Some("http://127.0.0.1:15021/healthz/ready#proxy=none&name=the Istio proxy"),
            Self::Linkerd => Some("http://127.0.0.1:4191/ready#proxy=none&name=the Linkerd proxy"),
        }
    }

    /// What a user calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::Istio => "istio",
            Self::Linkerd => "linkerd",
        }
    }

    /// What should be known of the mesh that this Pod belongs to, if that is certain: its annotations can be read here.
    #[must_use]
    pub fn note(self) -> Option<String> {
        self.note_of(|| content::whole(ANNOTATIONS, content::SHORT).and_then(content::text).ok())
    }

    fn note_of(self, annotations: impl FnOnce() -> Option<String>) -> Option<String> {
        let found = (self == Self::Auto).then(annotations).flatten()?;
        let mesh = injected(&found)?;
        let name = mesh.name();
        Some(format!(
            "this Pod has a proxy of the mesh {name}: before it is up, connections are refused; --mesh {name} waits for it, \
             but not in an init container that runs before it"
        ))
    }
}

/// The mesh whose injector has written into these annotations, a line each.
/// (<https://istio.io/latest/docs/reference/config/annotations/#SidecarStatus>)
fn injected(annotations: &str) -> Option<Mesh> {
    annotations.lines().find_map(|line| match line.split_once('=')?.0 {
        "sidecar.istio.io/status" => Some(Mesh::Istio),
        "linkerd.io/proxy-version" => Some(Mesh::Linkerd),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::env::Env;
    use crate::plan::layer::Layer;
    use crate::plan::{Node, Plan, Spec, TargetSpec, resolve};

    fn plan(mesh: Mesh) -> Plan {
        let target = |text: &str| {
            Spec::Target(TargetSpec {
                text: text.into(),
                flag: None,
                source: String::new(),
                options: Vec::new(),
            })
        };
        let targets = Spec::All(vec![target("tcp://a:1"), target("tcp://b:1")]);
        resolve(&Layer { targets: Some(targets), mesh: Some(mesh), ..Layer::default() }, &Env::default())
            .unwrap()
    }

    #[test]
    fn the_proxy_comes_first() {
        let both = |a, b| Node::All(vec![Node::Leaf(a), Node::Leaf(b)]);
        assert_eq!(plan(Mesh::Off).tree, both(0, 1));
        assert_eq!(plan(Mesh::Auto).tree, both(0, 1));
        for (mesh, name) in [(Mesh::Istio, "the Istio proxy"), (Mesh::Linkerd, "the Linkerd proxy")] {
            let plan = plan(mesh);
            assert_eq!(plan.tree, Node::Sequence(vec![Node::Leaf(0), both(1, 2)]));
            assert_eq!(plan.preconditions[0].name, name);
        }
    }

    #[test]
    fn injectors_are_known_by_what_they_write() {
        for (annotations, mesh) in [
            ("", None),
            ("app=\"sidecar.istio.io/status=1\"\nprereq=\"x\"", None),
            (
                "a=\"b\"\nsidecar.istio.io/status=\"{\\\"containers\\\":[\\\"istio-proxy\\\"]}\"",
                Some(Mesh::Istio),
            ),
            ("linkerd.io/proxy-version=\"stable-2.14.0\"", Some(Mesh::Linkerd)),
        ] {
            assert_eq!(injected(annotations), mesh, "{annotations}");
        }
    }

    #[test]
    fn a_mesh_is_noted_unless_it_is_said_whether_there_is_one() {
        let annotations = || Some("linkerd.io/proxy-version=\"stable-2.14.0\"".to_owned());
        let note = Mesh::Auto.note_of(annotations).unwrap();
        assert!(note.contains("--mesh linkerd waits for it"), "{note}");
        assert_eq!(Mesh::Auto.note_of(|| None), None);
        assert_eq!(Mesh::Auto.note_of(|| Some("app=\"x\"".into())), None);
        for known in [Mesh::Off, Mesh::Istio, Mesh::Linkerd] {
            assert_eq!(known.note_of(annotations), None);
        }
    }
}
