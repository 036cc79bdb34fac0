#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# acmectl selftest: our own server passes; a server that is wrong in one way
# fails the rule for it, and each rule has such a server.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use POSIX ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeClient;
use AcmeOperator;
use AcmeServer;
use AcmeWrong;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# Kinds of faults, each for many rules.

# What is refused is accepted.
sub forgive {
    my ($req, $res) = @_;
    return if $req->{method} eq 'HEAD' || $res->{status} !~ /^4/;
    @$res{qw(status json body)} = (200, undef, '{}');
    $res->{headers}{'content-type'} = ['application/json'];
}

# What is accepted is refused, where this says so.
sub refuse {
    my ($when, $status, $type) = @_;
    return sub {
        my ($req, $res) = @_;
        return if $res->{status} !~ /^2/ || !$when->($req, $res);
        $res->{status} = $status // 400;
        $res->{headers}{'content-type'} = ['application/problem+json'];
        $res->{json} = { type => 'urn:ietf:params:acme:error:'
                . ($type // 'malformed'), detail => 'so', status =>
                $res->{status} };
    };
}

# Statuses, types and headers are others.
sub status {
    my ($from, $to) = @_;
    return sub { $_[1]{status} = $to if $_[1]{status} =~ /^$from$/ };
}

sub problem {
    my ($from, $to) = @_;
    return sub {
        my ($req, $res) = @_;
        $res->{json}{type} =~ s/:$from$/:$to/ if $res->{status} =~ /^4/
            && ref $res->{json};
    };
}

sub header {
    my ($name, $value, $when) = @_;
    return sub {
        my ($req, $res) = @_;
        return if $when && !$when->($req, $res);
        if (defined $value) { $res->{headers}{$name} = [$value] }
        else                { delete $res->{headers}{$name} }
    };
}

# Members of objects that have this one.
sub object {
    my ($member, $change, $when) = @_;
    return sub {
        my ($req, $res) = @_;
        $change->($res->{json}, $req, $res) if ref $res->{json} eq 'HASH'
            && exists $res->{json}{$member}
            && (!$when || $when->($req, $res));
    };
}

sub path { my ($regex) = @_; return sub { $_[0]{path} =~ /$regex/ } }
sub is_new { $_[1]{status} == 201 }
sub is_error { $_[1]{status} =~ /^4/ }

my $challenge = path('/chall/');
my %seen;

my %faults = (
    'R22' => object('newNonce', sub { $_[0]{x} = 'http://localhost/' }),
    'T31' => object('newNonce',
        sub { $_[0]{newAuthz} = "$_[0]{newNonce}/x" }),
    'R24' => object('newNonce', sub { delete $_[0]{meta} }),
    'R25' => sub { $_[1]{body} = 'none', delete $_[1]{headers}{location}
            if $_[0]{path} =~ m{^/acme/\w+$} },
    'T87' => object('newNonce', sub { $_[0]{meta}{profiles} = { a => 1 } }),
    'T19' => header('replay-nonce', undef,
        sub { $_[1]{body} =~ /badNonce/ }),
    'R4' => object('type', sub { $_[0]{detail} = 'this nonce is bad' }),
    'T20' => problem('malformed', 'badNonce'),
    'T24 R1' => header('cache-control', 'max-age=1', path('new-nonce')),
    'T01' => status(415, 400),
    'T05' => object('type', sub { delete $_[0]{algorithms} }),
    'T06' => problem('accountDoesNotExist', 'badSignatureAlgorithm'),
    'T32 R10' => object('orders', sub { delete $_[0]{orders} }, \&is_new),
    'T33' => header('location', undef, sub { $_[1]{status} == 200
            && $_[0]{path} =~ /new-account/ }),
    'T35' => object('orders', sub { $_[0]{selftest} = 1 },
        sub { $_[0]{payload}{selftest} }),
    'R29' => refuse(sub { ($_[0]{payload}{contact}[0] // '') =~ / / }),
    'T36' => sub {
        my ($req, $res) = @_;
        my $contact = $req->{payload}{contact} or return;
        @$res{qw(status json)} = (200, { status => 'valid',
            contact => $contact });
    },
    'T37' => object('newNonce',
        sub { $_[0]{meta}{termsOfService} = 'https://a.test/' }),
    'T38' => object('orders', sub { $_[0]{contact} = ['mailto:x@a.test'] }),
    'R31' => refuse(sub { $_[0]{path} =~ m{/acct/}
            && ref $_[0]{payload} && !%{ $_[0]{payload} } }),
    'T44 R35' => sub { $_[1]{json} = $_[1]{json}{orders}
            if $_[0]{path} =~ m{/orders$} },
    'T41' => object('newNonce',
        sub { $_[0]{meta}{externalAccountRequired} = JSON::PP::true }),
    'T45 R17 R36' => object('finalize',
        sub { $_[0]{status} = 'processing' }, \&is_new),
    'T47' => object('identifiers',
        sub { $_->{value} = uc $_->{value} for @{ $_[0]{identifiers} } }),
    'T51' => object('expires', sub { delete $_[0]{expires} }),
    'T52' => object('authorizations', sub { $_[0]{authorizations} = [] },
        path('/order/')),
    'R33' => object('finalize', sub { $_[0]{selftest} = 1 }, \&is_new),
    'T15' => header('allow', undef),
    'T16' => refuse(sub { $_[0]{method} eq 'POST'
            && $_[0]{path} =~ /directory/ }, 405),
    'T26' => header('access-control-allow-origin'),
    'T28' => object('type', sub { $_[0]{identifier} = { type => 'dns',
            value => 'x' } }, \&is_error),
    'R7' => object('challenges',
        sub { delete $_->{token} for @{ $_[0]{challenges} } }),
    'R8' => object('challenges', sub { $_[0]{value} = 'x' }),
    'R9' => object('challenges',
        sub { $_[0]{challenges}[0]{status} = 'invalid' }),
    'T64 R15' => object('token',
        sub { $_[0]{status} = 'processing' }, $challenge),
    'T63' => sub {
        my ($req, $res) = @_;
        $res->{headers}{link}
            = [grep { !/up/ } @{ $res->{headers}{link} || [] }];
    },
    'T62 T66' => object('challenges',
        sub { delete $_->{validated} for @{ $_[0]{challenges} } }),
    'T67' => object('challenges', sub { delete $_[0]{expires} }),
    'T65 R14' => refuse(sub { $_[0]{path} =~ m{/chall/} && $_[1]{body} =~
            /"status" *: *"valid"/ }),
    'T53 R16' => object('finalize',
        sub { $_[0]{status} = 'pending' if !$seen{late}++ },
        sub { $_[0]{path} =~ m{/order/[^/]+$} && $_[1]{json}{status} eq
            'ready' }),
    'T59 R10 R12 R32' => header('location', undef, path('finalize')),
    'R13' => refuse(sub { $_[0]{path} =~ /finalize/ && $seen{finalize}++ },
        403, 'orderNotReady'),
    'T70 T82' => sub { $_[1]{body} =~ s/\n/\r\n/g
            if $_[0]{path} =~ m{/cert/} },
    'R18' => sub { $_[1]{body} =~ s/(-----END[^\n]*\n).*/$1/s
            if $_[0]{path} =~ m{/cert/} },
    'T71' => sub {
        my ($req, $res) = @_;
        $res->{headers}{link} = ["$res->{headers}{link}[0], "
                . '<https://localhost/x>;rel="alternate"']
            if $req->{path} =~ m{/cert/};
    },
    'T86' => header('retry-after', undef, path('renewal')),
    'T86 R34' => \&forgive,
    'T74' => problem('alreadyRevoked', 'malformed'),
    'T68 T54' => object('challenges', sub { $_[0]{status} = 'pending' }),
    'T39' => status(401, 403),
    'R5' => sub {
        my ($req, $res) = @_;
        my $nonce = AcmeClient::header($res, 'replay-nonce');
        $seen{first} //= $nonce;
        refuse(sub { 1 }, 400, 'badNonce')->(@_)
            if ($req->{header}{nonce} // '') eq $seen{first};
    },
    'T18 R2' => header('replay-nonce', undef, \&is_error),
    'R3' => sub { $_ .= '=' for @{ $_[1]{headers}{'replay-nonce'} || [] } },
    'T25' => status(415, 429),
    'T27 R6' => header('content-type', 'application/json', \&is_error),
    'T30 R11' => header('link', undef),
    'R19' => header('retry-after', 'soon', path('/acct/')),
    'R21' => status(404, 409),
    'T69' => object('newNonce', sub { $_[0]{newAuthz} = $_[0]{newOrder} }),
);
# The rest: what must be refused is not.
$faults{$_} //= \&forgive for qw(T02 T03 T04 T07 T08 T09 T10 T11 T12 T13 T14
    T17 T21 T29 T34 T40 T42 T46 T48 T49 T50 T55 T56 T57 T58 T72 T73 T75
    T76), 'T34 R30';
# Whatever comes back: the self-test judges, and does not die.
sub twist {
    my ($json, $twist) = @_;
    return [map { twist($_, $twist) } @$json] if ref $json eq 'ARRAY';
    return $twist->($json) if ref $json ne 'HASH';
    return { map { ($_ => twist($json->{$_}, $twist)) } keys %$json };
}

sub garble {
    my ($change) = @_;
    return sub {
        my ($req, $res) = @_;
        $change->($req, $res) if $req->{path} !~ /directory$|new-nonce$/;
    };
}

my %garbage = (
    'lists' => garble(sub { $_[1]{json} = [$_[1]{json}, 1] }),
    'numbers' => garble(sub { $_[1]{json} = twist($_[1]{json}, sub { 1 }) }),
    'nulls' => garble(sub { $_[1]{json} = twist($_[1]{json}, sub { undef }) }),
    'no URLs' => garble(sub { $_[1]{json} = twist($_[1]{json},
        sub { ($_[0] // '') =~ /^http/ ? 'file:///etc/passwd' : $_[0] }) }),
    'cut bodies' => garble(sub { $_[1]{json} = undef;
        $_[1]{body} = substr $_[1]{body}, 0, 40 }),
    'no bodies' => garble(sub { @{ $_[1] }{qw(json body)} = (undef, '') }),
    'no locations' => garble(header('location', 'x')),
    'empty locations' => garble(header('location', '')),
    'half locations' => garble(header('location', 'https://localhost')),
    'odd links' => garble(header('link', '<>;rel="up')),
    'odd nonces' => garble(header('replay-nonce', ',')),
    'odd types' => garble(header('content-type', ';;json')),
    'only 500' => garble(status('.*', 500)),
    'only 200' => garble(status('.*', 200)),
    'other certificates' => garble(sub { $_[1]{body} =~ s/^MII/MIB/mg }),
);
%faults = (%faults, %garbage);

# Nothing here waits for eight seconds.
my %spared = map { $_ => 1 } 'R20';

my $http   = AcmeServer::free_port();
my $wrong  = AcmeWrong->new(faults => \%faults);
my $server = AcmeServer->new($wrong->options(http01_port => $http,
    vhost => <<'EOT'))->start;
ACMEDefaultProfile default
<ACMEProfile default>
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile team>
    ACMEProfileExternalAccount required
    ACMEProfileEnrollment acme
</ACMEProfile>
EOT
$wrong->serve($server);
my $eab = eab($server, '--profile', 'team');
my @eab = ('--eab-kid', $eab->{kid}, '--eab-key', $eab->{hmacKey});
my @proof = ('--name', 'a.test', '--http-port', $http);

# (exit code, what --json prints)
sub selftest {
    my ($directory, @args) = @_;
    my ($code, $text, $errors) = acmectl($server, '--json', 'selftest',
        "$wrong->{base}/acme/$directory", '--pause', 0, '--ca', $wrong->{ca},
        @args);
    return ($code, eval { $json->decode($text) } || {}, $errors);
}

sub failed {
    my ($report) = @_;
    return map { $_->{rule} }
        grep { $_->{verdict} eq 'FAIL' } @{ $report->{rules} };
}

sub ours {
    my ($what, $directory, @args) = @_;
    my ($code, $report, $errors) = selftest($directory, @args);
    is($code, 0, "$what: 0") or diag $errors;
    is_deeply([failed($report)], [], "$what: no rule fails")
        or diag $json->encode([grep { $_->{verdict} eq 'FAIL' }
            @{ $report->{rules} }]);
    cmp_ok($report->{passed}, '>', 60, "$what: many rules pass");
    cmp_ok($report->{requests}, '<', 300, "$what: few requests");
    is($report->{accountsLeft}, 0, "$what: no account stays");
    return $report;
}

my $report = ours('our server', 'directory', @proof);
my @issuance = grep { $_->{rule} =~ /T70|T59|T74|T87|T69/ }
    @{ $report->{rules} };
is_deeply([map { $_->{verdict} } @issuance], [('pass') x 5],
    'certificates are issued and revoked, and all is offered');
my ($one) = grep { $_->{rule} eq 'T01' } @{ $report->{rules} };
like($one->{requests}[-2]{sent}, qr/^POST .*'alg':'ES256'/, 'what was sent');
like($one->{requests}[-2]{seen}, qr/^415 .*malformed: /, 'and seen is told');
$report = ours('external accounts', 'team/directory', @proof, @eab);
is_deeply([map { $_->{verdict} } grep { $_->{rule} =~ /T4[01]/ }
    @{ $report->{rules} }], ['pass', 'pass'], 'T40 T41 pass there');

subtest 'without proof' => sub {
    my ($code, $got) = selftest('default/directory', '--name', 'a.test');
    is($code, 0, 'nothing fails');
    my ($cert) = grep { $_->{rule} =~ /T70/ } @{ $got->{rules} };
    unlike($cert->{verdict}, qr/pass|FAIL/, 'no certificates');
    like($cert->{reason}, qr/--http-port/, 'and the reason is told');
};

# A monitor that sees 0 believes that all is well.
subtest 'a server that does nothing' => sub {
    my $db = "$server->{state}/db";
    rename $db, "$db-away" or die $!;
    my ($code, $got, $errors) = selftest('default/directory', '--wait', '0',
        '--rule', 'T32', '--rule', 'T45');
    is($code, 1, 'no account: 1') or diag $json->encode($got);
    like($errors, qr{new-account was answered with 503}, 'and why');
    rename "$db-away", $db or die $!;
};

subtest 'webroot' => sub {
    my $root = AcmeServer::tempdir();
    $server->configure(http_vhost => "DocumentRoot $root\n",
        vhost => $server->{vhost}
            . "ACMEValidationPort http-01 $server->{http_port}\n")->graceful;
    my ($code, $got) = selftest('default/directory', '--name', 'a.test',
        '--webroot', $root, '--rule', 'T70');
    is($code, 0, 'issued by a file') or diag $json->encode($got);
    is($got->{passed}, 1, 'one rule');
    is_deeply([glob "$root/.well-known/acme-challenge/*"], [],
        'the file is removed');
    $server->configure(http_vhost => '', vhost => $server->{vhost}
            =~ s/^ACMEValidationPort.*\n//mr)->graceful;
};

my @rules = @{ (acmectl_json($server, 'selftest', '--list')) };
cmp_ok(scalar @rules, '>', 80, 'rules are listed');
my (%done, @unlike);
for my $rule (grep { $_->{judged} } @rules) {
    my $id = $rule->{rule};
    next if $done{$id}++ || $spared{$id};
    my $fault = $faults{$id} ? $id : (split ' ', $id)[0];
    ok($faults{$fault}, "$id: there is a server that is wrong") or next;
    $wrong->fault($fault);
    my ($code, $got, $errors) = selftest($id eq 'T40' ?
        ('team/directory', @eab) : 'default/directory', @proof,
        map { ('--rule', $_) } split ' ', $id);
    is($code, 4, "$id: 4");
    ok(scalar(grep { $_ eq $id } failed($got)), "$id FAILs where it is wrong")
        or diag $errors, $json->encode($got->{rules});
}
$wrong->fault(undef);

subtest 'what is told' => sub {
    $wrong->fault('T01');
    my @cmd = ('selftest', "$wrong->{base}/acme/default/directory", '--ca',
        $wrong->{ca}, '--rule', 'T01');
    my ($code, $text) = acmectl($server, @cmd);
    is($code, 4, 'exit code 4');
    like($text, qr/^FAIL +T01 +RFC 8555 6\.2 .*415/m, 'rule and section');
    like($text, qr/^ +sent  POST https:.*'alg'/m, 'what was sent');
    like($text, qr/^ +seen  400 application\/problem\+json malformed/m,
        'what was seen');
    like($text, qr/^0 passed, 1 failed, 0 skipped/m, 'and the sum');
    ($code, $text) = acmectl($server, @cmd, '--except', 'T01');
    is($code, 0, '--except: it is not looked at');
    $wrong->fault(undef);
    ($code, $text) = acmectl($server, @cmd, '--verbose');
    is($code, 0, 'no fault: 0');
    like($text, qr/^ +seen  415 /m, '--verbose: what passed, too');
};

subtest 'garbage' => sub {
    for my $name (sort keys %garbage) {
        $wrong->fault($name);
        my ($code, $got, $errors) = selftest('default/directory', @proof, @eab,
            '--wait', 1);
        is($code, 4, "$name: 4") or diag $errors;
        cmp_ok($got->{failed} // 0, '>', 0, "$name: rules fail");
    }
    $wrong->fault(undef);
};

# Accounts that are valid.
sub open_accounts {
    return grep { $_->{status} eq 'valid' }
        @{ acmectl_json($server, 'account', 'list') };
}

subtest 'interrupted' => sub {
    my $before = open_accounts();
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>&', \*STDOUT;
        exec "$AcmeServer::build/acmectl", 'selftest',
            "$wrong->{base}/acme/default/directory", '--ca', $wrong->{ca},
            '--pause', 100, '--name', 'a.test' or POSIX::_exit(127);
    }
    ok(AcmeServer::wait_for(20,
        sub { open_accounts() > $before ? 1 : undef }), 'it has an account');
    kill 'TERM', $pid;
    waitpid $pid, 0;
    is($? >> 8, 1, 'interrupted: 1');
    is(scalar open_accounts(), $before, 'and has none any more');
};

subtest 'exit codes' => sub {
    my $url = "$wrong->{base}/acme/default/directory";
    my @bad = (
        [3, qr/not|onnect/, 'https://localhost:1/'],
        [3, qr/certificate/i, $url],
        [3, qr/no ACME directory/, "$wrong->{base}/x", '--insecure'],
        [1, qr/--ca \S+: No such file/, "$wrong->{base}/x", '--ca',
            '/nonexistent'],
        [2, qr/wanted/], [2, qr/no URL/, 'localhost'],
        [2, qr/no such rule/, $url, '--rule', 'T99'],
        [2, qr/no such rule/, $url, '--except', 'X'],
        [2, qr/eab-kid/, $url, '--eab-kid', 'x'],
        [2, qr/--name/, $url, '--http-port', $http],
        [2, qr/either/, $url, @proof, '--webroot', '/tmp'],
        [2, qr/DNS name/, $url, '--name', 'a b'],
        [1, qr/webroot/, $url, '--name', 'a.test', '--webroot', '/dev/null'],
        [2, qr/unwanted/, $url, 'x'],
    );
    for (@bad) {
        my ($want, $regex, @args) = @$_;
        my ($code, $text, $errors) = acmectl($server, 'selftest', @args);
        is($code, $want, "selftest @args: $want");
        like($errors, $regex, 'and why');
    }
    my ($code, $text) = acmectl($server, 'selftest', '--help');
    is($code, 0, '--help');
    like($text, qr/^usage: acmectl selftest URL/, 'with its usage');
};

$server->finish(qr/AS0\d+/, qr/AH0/);
done_testing;
