/* A real OpenID provider (oidc-provider) for tests/net/test_openid.py:
 *
 *     node server.mjs PORT KEY CERT PEOPLE CLIENT-SECRET REDIRECT-URL
 *
 * PEOPLE is a JSON file, read at each sign-in: {"kim": {"name": "kim", "groups": ["ward-it"]}}.
 * Nobody types anything: GET /interaction/ID?as=kim is kim, and agrees; without it a page asks who. */
import fs from 'node:fs';
import https from 'node:https';
import { Provider } from 'oidc-provider';

const [port, key, cert, people, secret, redirect] = process.argv.slice(2);
const issuer = `https://localhost:${port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'cordon',
      client_secret: secret,
      redirect_uris: [redirect],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: process.env.ALGORITHM ?? 'RS256',
    },
  ],
  scopes: ['openid', 'profile'],
  claims: { profile: ['preferred_username', 'groups'] },
  conformIdTokenClaims: false,
  pkce: { methods: ['S256'], required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: ['only of this test'] },
  findAccount: (_, id) => {
    const person = JSON.parse(fs.readFileSync(people, 'utf8'))[id];
    return (
      person && {
        accountId: id,
        claims: () => ({ sub: id, preferred_username: person.name, groups: person.groups }),
      }
    );
  },
});

async function interact(request, response, address) {
  const details = await provider.interactionDetails(request, response);
  const id = address.searchParams.get('as');
  if (details.prompt.name === 'login' && !id) {
    const names = Object.keys(JSON.parse(fs.readFileSync(people, 'utf8')));
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
    response.end(names.map((name) => `<p><a href="?as=${name}">${name}</a></p>`).join(''));
    return;
  }
  if (details.prompt.name === 'login') {
    await provider.interactionFinished(request, response, { login: { accountId: id } });
    return;
  }
  const grant = new provider.Grant({ accountId: details.session.accountId, clientId: 'cordon' });
  grant.addOIDCScope('openid profile');
  await provider.interactionFinished(request, response, {
    consent: { grantId: await grant.save() },
  });
}

const answer = provider.callback();
https
  .createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, (request, response) => {
    const address = new URL(request.url, issuer);
    if (!address.pathname.startsWith('/interaction/')) {
      answer(request, response);
      return;
    }
    interact(request, response, address).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  })
  .listen(Number(port), '127.0.0.1', () => console.log('ready'));
