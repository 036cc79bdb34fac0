#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 9773: renewal information, what an order replaces, and renewals that an
# operator pulls forward (T86, R21, R33, R34).

use strict;
use warnings;
use FindBin;
use MIME::Base64 qw(encode_base64url);
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::Local qw(timegm);

use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeTool;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    vhost => <<'EOT')->start;
<ACMEPolicy brief>
    ACMEPolicyPreset short-lived
</ACMEPolicy>
<ACMEProfile web>
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile brief>
    ACMEProfilePolicy brief
    ACMEProfileValidity 24h
    ACMEProfileEnrollment acme
</ACMEProfile>
ACMEDefaultProfile web
EOT

sub account {
    my ($directory) = @_;
    my $c = AcmeWire->new(server => $server, profile => $directory);
    $c->register;
    return $c;
}

# A certificate: {id => of RFC 9773 4.1, url, file, born}.
sub issue {
    my ($c, $names, %wish) = @_;
    local $c->{wish} = \%wish;
    my $order = $c->authorize($c->order(@$names)->{json}, $responder);
    return finish($c, $order, $names);
}

my $count = 0;

sub finish {
    my ($c, $order, $names) = @_;
    my $res = $c->finalize($order, $c->csr($names));
    my $url = $res->{json}{certificate} or die "$res->{body}\n";
    my $file = "$server->{dir}/cert" . ++$count;
    AcmeServer::write_file($file, $c->get($url)->{body});
    return { url => $url, file => $file, id => AcmeTool::renewal_id($file),
        born => time };
}

my $c = account();

sub ask {
    my ($cert, $client) = @_;
    $client ||= $c;
    return $client->http('GET', $client->endpoints->{renewalInfo}
        . '/' . (ref $cert ? $cert->{id} : $cert));
}

sub seconds {
    my ($text) = @_;
    my ($y, $m, $d, @hms) = ($text // '')
        =~ /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z$/ or return;
    return timegm(reverse(@hms), $d, $m - 1, $y);
}

# (start, end) in seconds.
sub window {
    my ($res) = @_;
    return map { seconds($res->{json}{suggestedWindow}{$_}) } qw(start end);
}

my $day = 86400;

subtest 'the resource' => sub {
    my $cert = issue($c, ['a.test']);
    my $res  = ask($cert);
    is($res->{status}, 200, 'T86 GET, unsigned');
    is(AcmeClient::header($res, 'content-type'), 'application/json', 'JSON');
    my ($start, $end) = window($res);
    ok($start && $end && $end > $start, 'T86 end is later than start, in UTC');
    cmp_ok(abs(($start + $end) / 2 - $cert->{born} - 60 * $day), '<',
        2 * $day, 'T86 around two thirds of the life');
    is(AcmeClient::header($res, 'retry-after'), 21600, 'T86 Retry-After');
    is(AcmeClient::header($res, 'cache-control'), 'public, max-age=600',
        'others may keep it for a while');
    ok(!$res->{headers}{'replay-nonce'}, 'and so it has no nonce');
    is(AcmeClient::header($res, 'access-control-allow-origin'), '*', 'T26');
    is_deeply([links($res, 'index')], [$c->{directory}], 'T30');
    is($c->http('HEAD', "$c->{endpoints}{renewalInfo}/$cert->{id}")
        ->{status}, 200, 'HEAD');
    $res = $c->get("$c->{endpoints}{renewalInfo}/$cert->{id}");
    answered($res, 200, 'T86 POST-as-GET');
    is(AcmeClient::header($res, 'cache-control'), 'no-store',
        'which nobody keeps');
    is_deeply([window($res)], [$start, $end], 'the same window');
    my $other = account('web');
    is(ask($cert, $other)->{status}, 200, 'by another directory, too');
    like($other->endpoints->{renewalInfo}, qr{/acme/web/renewal-info$},
        'each directory has one');
};

subtest 'a short life' => sub {
    my $brief = account('brief');
    my $cert  = issue($brief, ['b.test']);
    my $res   = ask($cert, $brief);
    my ($start, $end) = window($res);
    cmp_ok(abs(($start + $end) / 2 - $cert->{born} - $day / 2), '<',
        $day / 25, 'T86 half of it');
    cmp_ok(AcmeClient::header($res, 'retry-after'), '<=', 7200,
        'and Retry-After is shorter');
    unlike(AcmeTool::x509($cert->{file}, '-text'),
        qr/CRL Distribution|OCSP/,
        'RFC 9608: neither CRL nor OCSP');
    like(AcmeTool::x509($cert->{file}, '-text'),
        qr/2\.5\.29\.56|No Revocation/i, 'RFC 9608: noRevAvail');
};

subtest 'what is no id' => sub {
    my $id = issue($c, ['a.test'])->{id};
    my ($key, $serial) = split /\./, $id;
    for (['nothing', ''], ['no dot', $key], ['no serial number', "$key."],
        ['no key id', ".$serial"], ['padding', "$key=.$serial=="],
        ['padding that is escaped', "$key%3D.$serial%3D%3D"],
        ['a dot too many', "$id."], ['a slash behind it', "$id/"],
        ['junk', '!!!.???'],
        ['draft-01', 'MFswCwYJYIZIAWUDBAIBBCCeWLRusNLb--vmWOkxm34qDjTMWkc3utIh'
            . 'OMoMwKDqbgQg2iiKWySZrD-6c88HMZ6vhIHZPamChLlzGHeZ7pTS8jYCCD6jRW'
            . 'hlRB8c'])
    {
        refused(ask($_->[1]), 400, 'malformed', "T86 R34 $_->[0]");
    }
    refused($c->http('GET', $c->endpoints->{renewalInfo}), 400, 'malformed',
        'T86 the resource itself');
    refused(ask('aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE'), 404, 'malformed',
        'T86 the certificate of RFC 9773');
    refused(ask("$key.AIdlQyE"), 404, 'malformed', 'T86 one we never issued');
    refused(ask("$key.h2VDIQ"), 404, 'malformed',
        'T86 one that lacks its sign octet, as mod_md has it');
    refused(ask("aYhba4dGQEHhs3uEe6CuLN4ByNQ.$serial"), 404, 'malformed',
        'T86 another CA\'s with the same serial number');
    refused($c->http('PUT', "$c->{endpoints}{renewalInfo}/$id"), 405,
        'malformed', 'T15 PUT');
};

sub renew {
    my ($c, $names, $id) = @_;
    local $c->{wish} = { replaces => $id };
    return $c->order(@$names);
}

subtest 'what an order replaces' => sub {
    my $cert = issue($c, ['a.test', 'b.test']);
    my $other = account();
    refused(renew($other, ['a.test'], $cert->{id}), 400, 'malformed',
        'R33 T29 another account\'s certificate', qr/replaces/);
    refused(renew($c, ['c.test'], $cert->{id}), 400, 'malformed',
        'R33 one without these names', qr/replaces/);
    refused(renew($c, ['a.test'], 'x.y'), 400, 'malformed', 'R33 junk',
        qr/replaces/);
    my $order = renew($c, ['a.test'], $cert->{id});
    answered($order, 201, 'T86 one name of two is enough');
    is($order->{json}{replaces}, $cert->{id}, 'T86 it is reflected');
    is($c->get($order->{json}{self})->{json}{replaces}, $cert->{id},
        'T86 each time');
    refused(renew($c, ['a.test'], $cert->{id}), 409, 'alreadyReplaced',
        'R21 T86 a second order');
    answered($c->post($order->{json}{authorizations}[0],
        { status => 'deactivated' }), 200, 'the first one becomes invalid');
    $order = renew($c, ['a.test'], $cert->{id});
    answered($order, 201, 'T86 then another one may');
    my $next = finish($c, $c->authorize($order->{json}, $responder),
        ['a.test']);
    isnt($next->{id}, $cert->{id}, 'there is a new certificate');
    refused(renew($c, ['a.test'], $cert->{id}), 409, 'alreadyReplaced',
        'R21 T86 it is replaced for good');
    answered(renew($c, ['a.test'], $next->{id}), 201, 'the new one is not');
    is(ask($cert)->{status}, 200, 'and the old one has its window still');
};

subtest 'at once' => sub {
    my $cert = issue($c, ['a.test']);
    my @all  = map { $c->another } 1 .. 6;
    my $url  = $c->endpoints->{newOrder};
    my %payload = (replaces => $cert->{id},
        identifiers => [{ type => 'dns', value => 'a.test' }]);
    my %status;
    $status{ $_->{status} }++ for AcmeWire::at_once(
        map { [$_, $url, $_->jws($url, \%payload)] } @all);
    is_deeply(\%status, { 201 => 1, 409 => 5 },
        'T86 R21 of six orders one is made, the others are 409');
};

subtest 'revoked' => sub {
    my $cert = issue($c, ['a.test']);
    my $der = AcmeClient::run('openssl', 'x509', '-in', $cert->{file},
        '-outform', 'DER');
    answered($c->post($c->endpoints->{revokeCert},
        { certificate => encode_base64url($der) }), 200, 'revoked');
    my ($start, $end) = window(ask($cert));
    ok($start < $end && $end < time, 'T86 its window is over: renew now');
    answered(renew($c, ['a.test'], $cert->{id}), 201, 'it can be replaced');
};

my $url = 'https://status.example/2026/7';

subtest 'acmectl renew' => sub {
    my ($x, $y) = (account(), account('web'));
    my @cert = (issue($x, ['c.test']), issue($x, ['d.test']),
        issue($y, ['e.test']));
    my ($id) = $x->{kid} =~ m{/([^/]+)$};
    my ($code, $text, $errors) = acmectl($server, 'renew', '--account', $id,
        '--dry-run');
    is($code, 0, '--dry-run') or diag $errors;
    like($text, qr/c\.test.*d\.test/s, 'shows what would be renewed');
    unlike($text, qr/e\.test/, 'and nothing else');
    like($errors, qr/Nothing was changed; 2 /, 'says that nothing was changed');
    ok(!ask($cert[0])->{json}{explanationURL}, 'and does not change anything');
    is_deeply(acmectl_json($server, 'renew', 'list'), [], 'no renewal yet');

    my $made = acmectl_json($server, 'renew', '--account', $id, '--within',
        '48h', '--explanation', $url);
    is($made->{certificates}, 2, 'two certificates');
    is($made->{status}, 'running', 'running');
    my $res = ask($cert[0]);
    my ($start, $end) = window($res);
    ok($start <= time, 'T86 the window has begun');
    cmp_ok(abs($end - time - 2 * $day), '<', 60, 'and ends within 48 h');
    is($res->{json}{explanationURL}, $url, 'T86 explanationURL');
    ok(!ask($cert[2])->{json}{explanationURL}, 'others\' are not meant');

    # One client says what it replaces, the other one just renews.
    my $next = issue($x, ['c.test'], replaces => $cert[0]{id});
    my $show = acmectl_json($server, 'renew', 'show', $made->{renewal});
    is($show->{renewed}, 1, 'one has followed');
    my ($one) = grep { $_->{identifiers} eq 'dns:c.test' } @{ $show->{list} };
    is($one->{replacedBy}, $next->{url} =~ s{.*/}{}r, 'by which certificate');
    cmp_ok(abs(seconds($one->{replaced}) - time), '<', 60, 'and when');
    is($one->{by}, 'replaces', 'as its order said');
    my $shown = acmectl_json($server, 'cert', 'show', serial($cert[0]));
    is($shown->{replacedBy}, $one->{replacedBy}, 'cert show has it, too');
    is($shown->{explanationURL}, $url, 'and what its client is told');
    is(seconds($shown->{renewUntil}), $end, 'and when it is due');
    is(acmectl_json($server, 'order', 'show', acmectl_json($server, 'cert',
        'show', $one->{replacedBy})->{order})->{replaces}, $one->{id},
        'order show has what it replaces');
    my ($listed) = grep { $_->{id} eq $one->{id} }
        @{ acmectl_json($server, 'cert', 'list') };
    is($listed->{replacedBy}, $one->{replacedBy}, 'and cert list');
    my $open = acmectl_json($server, 'renew', 'show', $made->{renewal},
        '--open');
    is_deeply([map { $_->{identifiers} } @{ $open->{list} }], ['dns:d.test'],
        '--open shows who has not');
    my $later = issue($x, ['d.test']);
    $show = acmectl_json($server, 'renew', 'show', $made->{renewal});
    is($show->{status}, 'done', 'all have followed');
    ($one) = grep { $_->{identifiers} eq 'dns:d.test' } @{ $show->{list} };
    is($one->{replacedBy}, $later->{url} =~ s{.*/}{}r, 'found by its names');
    is($one->{by}, 'names', 'which is told');
    ($code, $text) = acmectl($server, 'renew', 'show', $made->{renewal});
    like($text, qr/^status +done\n.*^id +serial /ms, 'as a table, too');
};

subtest 'which certificates' => sub {
    my $x = account('web');
    my $cert = issue($x, ['e.test']);
    my $show = acmectl_json($server, 'cert', 'show', serial($cert));
    my %by = (
        issuer  => ['automatic', $show->{issuer}],
        profile => ['web'],
        account => [$show->{account}],
        name    => ['e.test', '*.test', '**.test'],
        key     => [$show->{spkiSHA256}, uc $show->{spkiSHA256},
            $cert->{file}],
    );
    for my $option (sort keys %by) {
        for my $value (@{ $by{$option} }) {
            my $list = acmectl_json($server, 'renew', "--$option", $value,
                '--dry-run');
            ok((grep { $_->{serial} eq $show->{serial} } @$list),
                "--$option $value means it");
        }
    }
    my @args = map { ("--$_", $by{$_}[0]) } sort keys %by;
    is(scalar @{ acmectl_json($server, 'renew', @args, '--dry-run') }, 1,
        'all of them together mean only it');
    my ($before) = window(ask($cert));
    my $made = acmectl_json($server, 'renew', map { $_ eq $by{key}[0]
        ? $cert->{file} : $_ } @args);
    is_deeply($made->{selection}{name}, ['e.test'], 'the selection is kept');
    is_deeply($made->{selection}{key}, [$show->{spkiSHA256}],
        'of a file the key that it has');
    isnt((window(ask($cert)))[0], $before, 'its window is pulled forward');
    my $gone = acmectl_json($server, 'renew', 'cancel', $made->{renewal});
    is($gone->{status}, 'cancelled', 'and it is cancelled');
    is((window(ask($cert)))[0], $before, 'then it is as before');
    is((acmectl($server, 'renew', 'cancel', $made->{renewal}))[0], 0,
        'again: nothing to do');
    is_deeply([map { $_->{status} } @{ acmectl_json($server, 'renew', 'list',
        '--limit', 1) }], ['cancelled'], 'the newest comes first');
    my @kinds = map { $_->{event} } @{ acmectl_json($server, 'audit', 'list',
        '--kind', 'renewal') };
    is_deeply([sort @kinds], ['renewal.begin', 'renewal.begin',
        'renewal.cancel'], 'the audit trail has it');
};

sub serial { return AcmeTool::x509($_[0]{file}, '-serial') =~ s/.*=//r }

subtest 'what is refused' => sub {
    for (['no selection', 2], ['a bad time', 2, '--all', '--within', 'soon'],
        ['a time that is over', 2, '--all', '--within',
            '2020-01-01T00:00:00Z'],
        ['--all and more', 2, '--all', '--profile', 'web'],
        ['a bad key', 2, '--key', '/nowhere'],
        ['a bad name', 2, '--name', 'a..test'],
        ['no URL', 2, '--all', '--explanation', 'javascript:alert(1)'],
        ['nothing that fits', 3, '--name', 'nobody.test'],
        ['no blocked key', 3, '--key', 'blocked'],
        ['two profiles', 2, '--profile', 'web', '--profile', 'other'],
        ['an unknown profile', 3, '--profile', 'nosuch'])
    {
        my ($what, $want, @args) = @$_;
        my ($code, $text, $errors) = acmectl($server, 'renew', @args);
        is($code, $want, $what) or diag $errors;
        like($errors, qr/^acmectl: \S/, 'is told');
    }
    is((acmectl($server, 'renew', 'show', 77))[0], 3, 'no such renewal');
    is((acmectl($server, 'renew', 'show', 'x'))[0], 3, 'no number');
    my ($code, $text) = acmectl($server, 'renew', '--help');
    is($code, 0, '--help');
    like($text, qr/--explanation URL.*acmectl renew list/s, 'has all of it');
};

$server->finish;
done_testing;
