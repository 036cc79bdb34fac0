#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# H1 to H8: what httpd and its other modules would do to our URLs and answers.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeServer;
use AcmeWire;

my $docs = AcmeServer::tempdir();
mkdir "$docs/acme" or die $!;
AcmeServer::write_file("$docs/acme/directory", "a file\n");
AcmeServer::write_file("$docs/oops.html",      "an error document\n");
AcmeServer::write_file("$docs/password",       "\n");

# Everything that could come in between.
my $server = AcmeServer->new(
    modules => [qw(alias dir mime negotiation rewrite speling deflate filter
        headers authn_core authn_file authz_host authz_user auth_basic
        allowmethods reqtimeout proxy proxy_http autoindex md watchdog)],
    global => "TypesConfig /dev/null\n",
    vhost => <<"EOT")->start;
DocumentRoot $docs
<Directory />
    Require all denied
</Directory>
<Directory $docs>
    Require all granted
    Options +MultiViews +Indexes
</Directory>
ErrorDocument 400 /oops.html
ErrorDocument 401 "text"
ErrorDocument 403 http://elsewhere.example/
ErrorDocument 404 /oops.html
ErrorDocument 405 /acme/directory
ErrorDocument 408 /oops.html
ErrorDocument 413 /oops.html
ErrorDocument 503 /oops.html
RewriteEngine on
RewriteRule ^/acme/(.*) /oops.html
RewriteRule ^/old/(.*) /acme/\$1 [PT]
ProxyPass /acme/new-nonce http://127.0.0.1:1/
Redirect /acme/new-account http://elsewhere.example/
Alias /acme/new-order $docs/oops.html
DirectorySlash on
FallbackResource /oops.html
CheckSpelling on
AllowEncodedSlashes on
UseCanonicalName off
SetOutputFilter DEFLATE
DefaultType none
RequestReadTimeout body=1
<Location /acme/realm>
    AuthType Basic
    AuthName "the realm"
    AuthUserFile $docs/password
    Require valid-user
</Location>
<Location /acme/private>
    Require ip 192.0.2.1
</Location>
<Location /acme/unposted>
    AllowMethods GET
</Location>
<Location /acme/small/new-account>
    LimitRequestBody 100
</Location>
EOT

my $client = AcmeWire->new(server => $server);
my $base   = $server->{base};

sub get  { return $client->http('GET', "$base$_[0]", @_[1 .. $#_]) }
sub post { return $client->post_raw("$base$_[0]", $_[1] // '{}') }

subtest 'H1: our own errors keep their headers and body' => sub {
    my $res = get('/acme/new-account');
    refused($res, 405, 'malformed', 'H1 GET newAccount');
    is(AcmeClient::header($res, 'allow'), 'POST', 'H1 Allow is ours');
    $client->register;
    my $order = $client->order('a.test')->{json};
    $res = $client->finalize($order, $client->csr(['a.test']));
    refused($res, 403, 'orderNotReady', 'H1 finalize too early');
};

subtest 'H1: errors of httpd and its modules are problem documents' => sub {
    my $res = get('/acme/realm/directory');
    refused($res, 401, 'unauthorized', 'H1 mod_auth_basic');
    is(AcmeClient::header($res, 'www-authenticate'),
        'Basic realm="the realm"', 'H1 401 keeps its WWW-Authenticate');
    refused(get('/acme/private/directory'), 403, 'unauthorized',
        'H1 mod_authz_host');
    refused(post('/acme/unposted/new-account'), 405, 'malformed',
        'H1 mod_allowmethods');
    refused(post('/acme/small/new-account', 'x' x 200), 413, 'malformed',
        'H1 LimitRequestBody');
    $res = $client->http('HEAD', "$base/acme/private/directory");
    is($res->{status}, 403, 'H1 HEAD, too');
    is(AcmeClient::header($res, 'content-type'), 'application/problem+json',
        'H1 HEAD: its type');
    ok(AcmeClient::header($res, 'replay-nonce'), 'H1 HEAD: its nonce');
};

subtest 'H1: errors while the body is read' => sub {
    my $chunked = ['Content-Type: application/jose+json',
        'Transfer-Encoding: chunked'];
    $client->request('POST', "$base/acme/new-account", headers => $chunked);
    $client->send_octets("nonsense\r\n", 'POST');
    refused($client->response, 400, 'malformed', 'H1 a bad chunk');
    $client->detach;
    $client->request('POST', "$base/acme/new-account", headers => $chunked);
    refused($client->response, 408, 'malformed', 'H1 a body that never comes');
    $client->detach;
    $client->request('POST', "$base/acme/new-account", headers => $chunked);
    $client->send_octets("2\r\n{}\r\n0\r\n\r\n", 'POST');
    refused($client->response, 400, 'malformed', 'H1 a good chunk');
    $client->detach;
};

subtest 'H2: no ErrorDocument comes in between' => sub {
    for my $path ('/acme/nothing', '/acme', '/acme/', '/acme/directory/') {
        refused(get($path), 404, 'malformed', "H2 $path", qr{/acme/directory});
    }
    my $res = get('/nothing-at-all');
    like($res->{body}, qr/an error document/, 'H2 outside it does');
};

subtest 'H3: headers of one name stay apart' => sub {
    $client->register;
    my $order = $client->order('b.test')->{json};
    my $authz = $client->get($order->{authorizations}[0])->{json};
    my $res = $client->get($authz->{challenges}[0]{url});
    is(scalar @{ $res->{headers}{link} }, 2, 'H3 two Link lines');
    is(scalar links($res, 'up'), 1, 'H3 up');
    is(scalar links($res, 'index'), 1, 'H3 index');
};

subtest 'H4: URLs are not made of the Host header' => sub {
    my $res = get('/acme/directory', host => 'evil.example');
    is($res->{json}{newNonce}, "$base/acme/new-nonce", 'H4 another Host');
    $res = $client->http('GET', "$base/", path => "$base/acme/directory");
    is($res->{json}{newNonce}, "$base/acme/new-nonce", 'H4 absolute form');
};

subtest 'H5: a body is bounded' => sub {
    my $type = ['Content-Type: application/jose+json'];
    my $url  = "$base/acme/new-account";
    refused(post('/acme/new-account', 'x' x 65536), 400, 'malformed',
        'H5 64 KiB');
    my $before = $client->{connections};
    refused($client->http('POST', $url, headers => $type, body => 'x' x 65537),
        413, 'malformed', 'H5 one octet more');
    $client->detach;
    refused($client->http('POST', $url, headers => $type,
        body => 'x' x 4_000_000), 413, 'malformed', 'H5 4 MB');
    $client->detach;
    $client->request('POST', $url, length => 2_000_000_000, body => 'x',
        headers => $type);
    refused($client->response, 413, 'malformed', 'H5 2 GB announced');
    $client->detach;
    $client->request('POST', $url,
        headers => [@$type, 'Transfer-Encoding: chunked']);
    $client->send_octets(
        join('', map { "4000\r\n" . 'x' x 0x4000 . "\r\n" } 1 .. 8)
            . "0\r\n\r\n", 'POST');
    refused($client->response, 413, 'malformed', 'H5 chunked');
    $client->detach;
    $client->request('POST', $url, length => 2_000_000,
        headers => [@$type, 'Expect: 100-continue']);
    refused($client->response, 413, 'malformed',
        'H5 refused before it is sent');
    $client->detach;
};

subtest 'H6: the URL is the one that was sent' => sub {
    ok(get('/acme/directory')->{json}{newNonce},
        'H6 no rewrite, file, alias, fallback');
    answered($client->http('HEAD', "$base/acme/new-nonce"), 200, 'H6 no proxy');
    refused(post('/acme/new-account'), 400, 'malformed', 'H6 no redirect');
    refused(post('/acme/new-order'), 400, 'malformed', 'H6 no alias');
    for my $path ('/acme//directory', '/acme/./directory',
        '/acme/x/../directory', '/acme/directory%2F', '/acme/%64irectory',
        '/acme/Directory', '/acme/director', '/acme/directory%00',
        '/acme/new-nonce/', "/acme/" . 'x' x 4000)
    {
        my $name = substr $path, 0, 30;
        refused(get('/', path => $path), 404, 'malformed', "H6 $name");
    }
    refused(get('/', path => '/acme/%'), 400, 'malformed', 'H6 /acme/%');
    for my $path ('/x/../acme/directory', '/%61cme/directory', '//acme/x') {
        my $res = get('/', path => $path);
        unlike($res->{body}, qr/newNonce/, "H6 $path is not ours");
    }
    my $res = get('/old/directory');
    unlike($res->{body}, qr/newNonce/, 'H6 a rewritten URL is not ours');
    for my $method (qw(TRACE PUT DELETE PATCH PROPFIND FROBNICATE)) {
        refused($client->http($method, "$base/acme/new-nonce"), 405,
            'malformed', "H6 $method");
    }
    $res = $client->http('OPTIONS', "$base/acme/directory");
    is($res->{status}, 204, 'T26 OPTIONS');
    is(AcmeClient::header($res, 'access-control-allow-headers'),
        'Content-Type', 'T26 OPTIONS is answered by us');
};

subtest 'H7: compression does no harm' => sub {
    my $res = get('/acme/nothing', headers => ['Accept-Encoding: gzip']);
    refused($res, 404, 'malformed', 'H7 a problem document is not compressed');
    $res = get('/acme/directory', headers => ['Accept-Encoding: gzip']);
    ok($res->{json}{newNonce}, 'H7 nor is a directory');
    is(AcmeClient::header($res, 'vary'), undef, 'H7 no Vary');
};

subtest 'H8: what is not ours is left alone' => sub {
    my $res = get('/.well-known/acme-challenge/token');
    is(AcmeClient::header($res, 'replay-nonce'), undef,
        'H8 challenges are not ours to answer');
    is(get('/oops.html')->{status}, 200, 'files are served');
};

$client->detach;
$server->finish(qr{AH0(?:1623|1630): client .*denied .*acme-server:/acme/},
    qr{AH10244: invalid URI path \(/acme/%\)});
done_testing;
