// Waiting as a function: waitsFor(targets) is what a Pod, or a Pod template, has to have added.
//
//   local prereq = import 'prereq.libsonnet';
//   { spec+: { template+: prereq.waitsFor(['dns:fortune', 'http://fortune/'], timeout='2m') } }
{
  container(targets, timeout='5m', image='prereq:0.1.0', name='prereq'):: {
    name: name,
    image: image,
    // Kubernetes expands $(…) in arguments; a dollar before a dollar or a bracket is written twice.
    local special(word, at) = word[at] == '$' && at + 1 < std.length(word) && (word[at + 1] == '$' || word[at + 1] == '('),
    local escaped(word) = std.join('', [if special(word, at) then '$$' else word[at] for at in std.range(0, std.length(word) - 1)]),
    args: ['--timeout=' + timeout] + std.map(escaped, targets),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65534,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    resources: {
      requests: { cpu: '5m', memory: '8Mi' },
      limits: { cpu: '100m', memory: '32Mi' },
    },
  },

  waitsFor(targets, timeout='5m', image='prereq:0.1.0', name='prereq'):: {
    metadata+: { annotations+: {
      // Options may hold what is nobody's business.
      'prereq/waits-for': std.join(', ', [std.split(target, '#')[0] for target in targets]),
    } },
    spec+: { initContainers+: [$.container(targets, timeout, image, name)] },
  },
}
