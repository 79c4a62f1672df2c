local prereq = import 'prereq.libsonnet';

{
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'fortune-client' },
  spec: {
    selector: { matchLabels: { app: 'fortune-client' } },
    template: {
      metadata: { labels: { app: 'fortune-client' } },
      spec: { containers: [{ name: 'client', image: 'fortune-client:1.0' }] },
    } + prereq.waitsFor(['dns:fortune', 'http://fortune/#json=$.state==ready'], timeout='2m'),
  },
}
