#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# acmectl eab, profile, issuer against a running server: the whole life of an
# external account key, and what is refused.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeServer;
use AcmeSkip;
use AcmeWire;

my $audit = 'audit.log';
my $vhost = <<'EOT';
<ACMEPolicy corp>
    ACMEPolicySAN dns allow *.corp.test *.test
</ACMEPolicy>
<ACMEProfile web>
    ACMEProfileDescription "TLS servers"
    ACMEProfilePolicy corp
    ACMEProfileExternalAccount required
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile any>
    ACMEProfileExternalAccount optional
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile open>
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile loose>
    ACMEProfileExternalAccount required
    ACMEProfileValidation off
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile inner>
    ACMEProfileExternalAccount required
</ACMEProfile>
EOT
my $server = AcmeServer->new(vhost => "$vhost\nACMEAuditLog $audit\n");
my ($code, $text, $errors);

sub ctl  { return acmectl($server, @_) }
sub json { return acmectl_json($server, @_) }

($code, undef, $errors) = ctl('eab', 'create', '--profile', 'web');
is($code, 1, 'before the server ever ran: 1');
like($errors, qr/no key file .*start httpd/, 'and says what to do');
$server->start;

# Events of a kind, as [who, kid].
sub events {
    my ($kind) = @_;
    return [map { [split /\|/] } split /\n/,
        sql($server, "SELECT who, eab_kid FROM events WHERE kind = '$kind'")];
}

sub client {
    my ($profile) = @_;
    my $client = AcmeWire->new(server => $server, key => 'ec256');
    $client->{directory} = "$server->{base}/acme/$profile/directory";
    return $client;
}

# A new account with this key.
sub bound {
    my ($key, $profile, %o) = @_;
    my $client = client($profile || 'web');
    my $res = $client->register(externalAccountBinding =>
        binding($client, $key, %o));
    return ($client, $res);
}

my $key;
subtest 'create: the first one, before any client came' => sub {
    ($code, $text, $errors) = ctl('eab', 'create', '--profile', 'web',
        '--name', 'team a', '--allow', '*.corp.test');
    is($code, 0, 'eab create: 0') or diag $errors;
    is($errors, '', 'and silent');
    my ($kid) = $text =~ /^KID +([A-Za-z0-9]{20,})$/m;
    my ($hmac) = $text =~ /^HMAC key +([A-Za-z0-9]+)$/m;
    ok($kid, 'prints the KID');
    ok(length MIME::Base64::decode_base64url($hmac // '') >= 32,
        'R28 the HMAC key is base64url of 32 octets at least, without - and _');
    my $url = "$server->{base}/acme/web/directory";
    like($text, qr/^directory URL +\Q$url\E$/m, 'and the directory URL');
    my %lines = (
        certbot => qr/certbot .*\Q$url\E.*-kid $kid .*$hmac .*-d www\.corp/s,
        lego => qr/lego --server \Q$url\E.*--eab --kid $kid --hmac $hmac/s,
        'acme.sh' => qr/--register-account --server \Q$url\E .*$kid .*$hmac\n/s,
        'cert-manager' => qr/hmac:\s$hmac.*server:\s\Q$url\E.*keyID:\s$kid/s,
        mod_md => qr/Authority \Q$url\E\nMDExternal\w+ $kid .*?$hmac\n/s,
        Caddy => qr/acme_ca \Q$url\E.*key_id $kid.*mac_key $hmac/s,
    );
    like($text, qr/^# \Q$_\E\n.*?$lines{$_}/ms, "lines for $_")
        for sort keys %lines;
    ok(!grep({ $text =~ /\{$_\}/ } qw(url kid key name profile)),
        'nothing is left to fill in');
    unlike(sql($server, 'SELECT * FROM eabs'), qr/\Q$hmac\E/,
        'the database has the secret encrypted only');
    is_deeply(events('eab.create'), [['acmectl:' . getpwuid($<), $kid]],
        'an event tells who made it');
    unlike(sql($server, 'SELECT detail FROM events'), qr/\Q$hmac\E/,
        'and has no secret');
    $key = { kid => $kid, hmacKey => $hmac };
};

subtest 'T41 it opens its own directory' => sub {
    my $stranger = client('web');
    refused($stranger->register, 403, 'externalAccountRequired',
        'without it none');
    for my $alg (qw(HS256 HS384 HS512)) {
        my ($client, $res) = bound($key, 'web', alg => $alg);
        answered($res, 201, "T41 $alg");
    }
    (undef, my $res) = bound({ %$key, hmacKey => 'A' x 44 });
    refused($res, 403, 'unauthorized', 'another secret');
    is(json('eab', 'show', $key->{kid})->{accounts}, 3,
        'eab show counts the accounts');
    is(scalar @{ json('account', 'list', '--eab', $key->{kid}) }, 3,
        'account list --eab has them');
};

subtest 'list and show' => sub {
    my $shown = json('eab', 'show', $key->{kid});
    is_deeply([@$shown{qw(kid status profile name allow from maxAccounts
        skipValidation expires)}], [$key->{kid}, 'valid', 'web', 'team a',
        ['*.corp.test'], undef, undef, JSON::PP::false, undef], 'eab show');
    ($code, $text) = ctl('eab', 'show', $key->{kid});
    like($text, qr/^name +team a$/m, 'for people, too');
    unlike($text, qr/\Q$key->{hmacKey}\E/, 'no secret');
    my $all = json('eab', 'create', '--profile', 'any', '--name', 'b',
        '--allow', 'www.corp.test', '--allow', '10.0.0.0/8', '--expires', '90d',
        '--max-accounts', 2, '--max-orders-per-day', 3, '--from',
        '10.1.0.0/16', '--from', '127.0.0.1', '--skip-validation');
    is_deeply([@$all{qw(allow from maxAccounts maxOrdersPerDay
        skipValidation)}], [['www.corp.test', '10.0.0.0/8'],
        ['10.1.0.0/16', '127.0.0.1'], 2, 3, JSON::PP::true],
        'every option of create');
    like($all->{expires}, qr/^\d{4}-\d\d-\d\dT[\d:]+Z$/, '--expires');
    is_deeply([sort keys %{ $all->{clients} }],
        ['Caddy', 'acme.sh', 'cert-manager', 'certbot', 'dehydrated', 'lego',
            'mod_md', 'uacme'],
        'lines for clients in JSON, too');
    my $list = json('eab', 'list');
    is_deeply([map { $_->{kid} } @$list], [$all->{kid}, $key->{kid}],
        'eab list: the newest first');
    ($code, $text, $errors) = ctl('eab', 'list', '--limit', 1);
    like($text, qr/^\Q$all->{kid}\E +valid +any/m, 'as a table');
    like($errors, qr/--before \Q$all->{kid}\E/, 'that says how to go on');
    is_deeply([map { $_->{kid} }
        @{ json('eab', 'list', '--before', $all->{kid}) }],
        [$key->{kid}], '--before');
};

subtest 'suspend, resume: its accounts' => sub {
    my ($client) = bound($key);
    ($code) = ctl('eab', 'suspend', $key->{kid});
    is($code, 0, 'eab suspend: 0');
    is(json('eab', 'show', $key->{kid})->{status}, 'suspended', 'shown');
    refused($client->get($client->{kid}), 403, 'unauthorized',
        'they can do nothing', qr/suspended/);
    refused((bound($key))[1], 403, 'unauthorized', 'nor are there new ones');
    ($code) = ctl('eab', 'suspend', $key->{kid});
    is($code, 0, 'again: 0');
    ($code) = ctl('eab', 'resume', $key->{kid});
    is($code, 0, 'eab resume: 0');
    answered($client->get($client->{kid}), 200, 'they go on');
    is(scalar @{ events('eab.suspend') }, 1, 'one event for one change');
};

subtest 'rotate' => sub {
    my $new = json('eab', 'rotate', $key->{kid});
    isnt($new->{hmacKey}, $key->{hmacKey}, 'another secret');
    like($new->{previousSecretUntil}, qr/^2/, 'the old one until a date');
    answered((bound($key))[1], 201, 'the old one is good');
    answered((bound($new))[1], 201, 'and the new one');
    my $third = json('eab', 'rotate', $key->{kid}, '--at-once');
    is($third->{previousSecretUntil}, undef, '--at-once: no date');
    refused((bound($new))[1], 403, 'unauthorized', 'the old one is void');
    answered((bound($third))[1], 201, 'the new one is good');
    ($code, undef, $errors) = ctl('eab', 'rotate', $key->{kid},
        '--until', '2001-01-01T00:00:00Z');
    is($code, 2, '--until the past: 2');
    like($errors, qr/--until 2001.*over already/, 'and says so');
    answered((bound($third))[1], 201, 'nothing has changed');
    %$key = (%$key, hmacKey => $third->{hmacKey});
};

subtest 'reveal' => sub {
    ($code, $text, $errors) = ctl('eab', 'reveal', $key->{kid});
    is($code, 4, 'without ACMEExternalAccountReveal: 4');
    like($errors, qr/ACMEExternalAccountReveal on/, 'and says so');
    $server->configure(vhost =>
        "$server->{vhost}\nACMEExternalAccountReveal on");
    my $shown = json('eab', 'reveal', $key->{kid});
    is($shown->{hmacKey}, $key->{hmacKey}, 'with it the secret');
    is_deeply(events('eab.reveal'), [['acmectl:' . getpwuid($<), $key->{kid}]],
        'an event tells who saw it');
};

subtest 'revoke is for good' => sub {
    my ($client) = bound($key);
    ($code) = ctl('eab', 'revoke', $key->{kid});
    is($code, 0, 'eab revoke: 0');
    refused($client->get($client->{kid}), 403, 'unauthorized',
        'its accounts are out', qr/revoked/);
    for my $verb (qw(resume suspend rotate)) {
        ($code, undef, $errors) = ctl('eab', $verb, $key->{kid});
        is($code, 4, "$verb afterwards: 4");
        like($errors, qr/revoked, for good/, 'and says so');
    }
};

subtest 'what makes no sense changes nothing' => sub {
    my $before = sql($server, 'SELECT count(*) FROM eabs')
        . sql($server, "SELECT count(*) FROM events WHERE kind LIKE 'eab.%'");
    my @web = ('--profile', 'web');
    for (
        [2, qr/one of: web any open loose inner/],
        [3, qr/--profile nope: .*web any/, '--profile', 'nope'],
        [4, qr/takes no external accounts; write ACMEProfileExternalAccount/,
            '--profile', 'open'],
        [4, qr/no directory.*write ACMEProfileEnrollment/, '--profile',
            'inner'],
        [2, qr/--allow a\*b\.test: ./, @web, '--allow', 'a*b.test'],
        [2, qr/--allow 10\.0\.0\.0\/33: ./, @web, '--allow', '10.0.0.0/33'],
        [2, qr/--from here: ./, @web, '--from', 'here'],
        [2, qr/--expires soon: .*90d/, @web, '--expires', 'soon'],
        [2, qr/--expires 0d: .*over already/, @web, '--expires', '0d'],
        [2, qr/--max-accounts 0: ./, @web, '--max-accounts', 0],
        [2, qr/--max-accounts x: ./, @web, '--max-accounts', 'x'],
        [2, qr/--max-orders-per-day -1: ./, @web, '--max-orders-per-day', -1],
        [2, qr/--name: ./, @web, '--name', "a\nb"],
        [2, qr/--name: ./, @web, '--name', "\xff"],
        [2, qr/--name: ./, @web, '--name', 'x' x 101],
        [4, qr/--skip-validation: .*--allow/, '--profile', 'any',
            '--skip-validation'],
        [4, qr/ACMEProfileValidation off: .*--allow/, '--profile', 'loose'],
        [2, qr/unwanted: x/, @web, 'x'],
        [2, qr/account/, @web, '--account', 'x'],
    ) {
        my ($want, $like, @args) = @$_;
        ($code, $text, $errors) = ctl('eab', 'create', @args);
        my $what = join ' ', 'eab create', @args;
        $what =~ s/[^ -~]/?/g;
        is($code, $want, "$what: $want");
        like($errors, $like, 'and why');
        is($text, '', 'no key');
    }
    for my $verb (qw(show suspend resume revoke rotate reveal)) {
        ($code, undef, $errors) = ctl('eab', $verb, 'x' x 22);
        is($code, 3, "eab $verb of nothing: 3");
        ($code) = ctl('eab', $verb);
        is($code, 2, "eab $verb of whom?: 2");
    }
    is(sql($server, 'SELECT count(*) FROM eabs')
        . sql($server, "SELECT count(*) FROM events WHERE kind LIKE 'eab.%'"),
        $before, 'nothing was made, nothing changed');
};

subtest 'profiles and issuers' => sub {
    my $list = json('profile', 'list');
    is_deeply([map { [@$_{qw(name policy issuer externalAccount
        directoryURL)}] } @$list],
        [['web', 'corp', 'automatic', 'required',
            "$server->{base}/acme/web/directory"],
        ['any', 'tls-server', 'automatic', 'optional',
            "$server->{base}/acme/any/directory"],
        ['open', 'tls-server', 'automatic', 'off',
            "$server->{base}/acme/open/directory"],
        ['loose', 'tls-server', 'automatic', 'required',
            "$server->{base}/acme/loose/directory"],
        ['inner', 'tls-server', 'automatic', 'required', undef]],
        'profile list has the directory URLs');
    ($code, $text) = ctl('profile', 'show', 'web');
    like($text, qr/^description +TLS servers$/m, 'profile show');
    ($code) = ctl('profile', 'show', 'nope');
    is($code, 3, 'profile show of nothing: 3');
    $list = json('issuer', 'list');
    is_deeply([@{ $list->[0] }{qw(name type status)}],
        ['automatic', 'internal', 'ready'], 'issuer list');
    my $shown = json('issuer', 'show', 'automatic');
    is(scalar @{ $shown->{generations} }, 1, 'issuer show');
    like($shown->{generations}[0]{subject}, qr/ACME CA of localhost/,
        'and its generation');
    ($code) = ctl('issuer', 'show', 'nope');
    is($code, 3, 'issuer show of nothing: 3');
};

my $count = sql($server, "SELECT count(*) FROM events WHERE kind LIKE 'eab.%'");
my @lines = map { JSON::PP::decode_json($_) } grep { /"eab\./ } split /\n/,
    AcmeServer::read_file("$server->{dir}/$audit");
is($lines[0]{event}, 'eab.create', 'ACMEAuditLog has the lines of acmectl');
is($lines[0]{externalAccountKey}, $key->{kid}, 'with the key');
is($lines[0]{owner}, 'acmectl:' . getpwuid($<), 'and who it was');
is(scalar @lines, $count + 0, 'one for each event');

SKIP: {
    skip_here 'not root: no other owner', 1 if $> != 0;
    my @foreign = grep { (stat)[4] != getpwnam 'www-data' }
        glob "$server->{state}/db/*";
    is("@foreign", '', 'acmectl as root leaves no file of root behind');
}
$server->finish;
done_testing;
