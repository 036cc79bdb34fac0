#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# certbot, lego, dehydrated, uacme and mod_md with external account keys, one
# key each: the certificate, one after the policy has changed, and what becomes
# of them when it refuses their name or the key is suspended.

use strict;
use warnings;
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeSkip;
use AcmeTool;

my $port   = AcmeServer::free_port();
my %policy = (
    first  => 'ACMEPolicySAN dns allow *.acme.test',
    second => "ACMEPolicySAN dns allow *.acme.test\nACMEPolicyMaxValidity 7d",
    third  => 'ACMEPolicySAN dns allow *.other.test',
);

sub vhost {
    return <<"EOT";
<ACMEPolicy web>
    $policy{$_[0]}
</ACMEPolicy>
<ACMEProfile web>
    ACMEProfilePolicy          web
    ACMEProfileExternalAccount required
    ACMEProfileEnrollment      acme
</ACMEProfile>
EOT
}

my $server = AcmeServer->new(http01_port => $port, vhost => vhost('first'),
    hosts => [map { "$_.acme.test" } qw(certbot lego dehydrated uacme md)])
    ->start;
my $responder = AcmeResponder->new;
my $tool = AcmeTool->new(server => $server, env => {
    REQUESTS_CA_BUNDLE => 'ROOTS', LEGO_CA_CERTIFICATES => 'ROOTS',
    CURL_CA_BUNDLE => 'ROOTS', UACME_CHALLENGE_PATH => $responder->{dir} });
my $dir = $tool->{dir};
my $url = "$server->{base}/acme/web/directory";
my @unshare = ('unshare', $> == 0 ? () : '--map-root-user', '--mount');

my %key;

# Each client: how it gets its certificate (kid, HMAC key) and
# renews it (commands to be run one after the other); where that lies; and
# whether it is somebody else who answers http-01.
my %client = (
    certbot => {
        get => sub { [certbot('certonly', '--standalone', '--http-01-address',
            '127.0.0.1', '--http-01-port', $port, '--server', $url,
            '--agree-tos', '--register-unsafely-without-email', '--eab-kid',
            $_[0], '--eab-hmac-key', $_[1], '-d', 'certbot.acme.test')] },
        renew => sub { [certbot('renew', '--force-renewal',
            '--no-random-sleep-on-renew')] },
        cert => "$dir/certbot/live/certbot.acme.test/fullchain.pem",
    },
    lego => {
        get => sub { [lego('--eab', '--kid', $_[0], '--hmac', $_[1], 'run')] },
        renew => sub { [lego('--eab', '--kid', $_[0], '--hmac', $_[1], 'renew',
            '--days', 9999, '--no-random-sleep')] },
        cert => "$dir/lego/certificates/lego.acme.test.crt",
    },
    dehydrated => {
        get => sub {
            AcmeServer::write_file("$dir/dehydrated.sh", <<"EOT");
CA="$url"
BASEDIR="$dir/dehydrated"
WELLKNOWN="$responder->{dir}"
EAB_KID="$_[0]"
EAB_HMAC_KEY="$_[1]"
EOT
            return dehydrated('--register', '--accept-terms'),
                dehydrated('-c', '-d', 'dehydrated.acme.test');
        },
        renew => sub { dehydrated('-c', '-x', '-d', 'dehydrated.acme.test') },
        cert => "$dir/dehydrated/certs/dehydrated.acme.test/fullchain.pem",
        responder => 1,
    },
    uacme => {
        get => sub { uacme('-e', "$_[0]:$_[1]", 'new'), issue() },
        renew => sub { issue('-f') },
        cert => "$dir/uacme/uacme.acme.test/cert.pem",
        responder => 1,
    },
);

sub certbot {
    return ('certbot', '-n', '--config-dir', "$dir/certbot", '--work-dir',
        "$dir/certbot/work", '--logs-dir', "$dir/certbot/log", @_);
}

sub lego {
    return ('lego', '--server', $url, '--accept-tos', '--email', 'a@acme.test',
        '--path', "$dir/lego", '--http', '--http.port', "127.0.0.1:$port",
        '--domains', 'lego.acme.test', @_);
}

sub dehydrated {
    return ['dehydrated', '--config', "$dir/dehydrated.sh", @_];
}

# In a namespace where the server's roots are all that /etc/ssl/certs has.
sub uacme {
    return [@unshare, 'sh', '-c',
        'mount --bind certs /etc/ssl/certs && exec uacme "$@"', 'uacme',
        '-a', $url, '-c', "$dir/uacme", '-y', @_];
}

sub issue {
    return uacme('-h', '/usr/share/uacme/uacme.sh', @_, 'issue',
        'uacme.acme.test');
}

sub is_here {
    my ($name) = @_;
    return -e modules() . '/mod_md.so' if $name eq 'mod_md';
    return !system "command -v $name >/dev/null";
}

sub modules { $ENV{HTTPD_MODULES} || AcmeServer::apxs('LIBEXECDIR') }

# The serial; how long it lives is told by days.
sub check {
    my ($name, $days) = @_;
    my $file = $name eq 'mod_md' ? $tool->served(md_port(), 'md.acme.test')
        : $client{$name}{cert};
    (my $host = "$name.acme.test") =~ s/mod_//;
    my $serial = $tool->certificate_ok("$name: it is good", $file,
        names => [$host]);
    ok(!eval { AcmeClient::run('openssl', 'x509', '-noout', '-in', $file,
        '-checkend', $days * 86400) }, "$name: for $days days");
    return $serial;
}

# Run a client's commands, with the responder on the port if it wants that.
sub run {
    my ($name, $what, @cmds) = @_;
    answer($client{$name}{responder});
    $tool->run_ok("$name $what", @$_) for @cmds;
}

sub answer {
    my ($wanted) = @_;
    $responder->stop;
    return if !$wanted;
    my $new = AcmeResponder->new(port => $port, dir => $responder->{dir});
    $responder = $new;
}

sub commands {
    my ($name, $what) = @_;
    return $client{$name}{$what}->(@{ $key{$name} }{qw(kid hmacKey)});
}

my ($md_port, $md_pid);
sub md_port { return $md_port ||= AcmeServer::free_port() }

# Of a second httpd with one managed domain, that this key may get.
sub md_configure {
    my ($kid, $hmac, $window) = @_;
    my $static = join ' ', `${\AcmeServer::program()} -l`;
    my $load = join "\n",
        map { "LoadModule ${_}_module ${\modules()}/mod_$_.so" }
        grep { $static !~ /\bmod_$_\.c/ } qw(mpm_event unixd authz_core
        watchdog ssl socache_shmcb md);
    my $user = $> == 0 ? "User www-data\nGroup www-data" : '';
    AcmeServer::write_file("$dir/md.conf", <<"EOT");
ServerRoot $dir
DefaultRuntimeDir $dir/run
PidFile $dir/run/httpd.pid
ErrorLog $dir/md.log
$load
$user
ServerName md.acme.test
Listen 127.0.0.1:$port
Listen 127.0.0.1:@{[md_port()]} https
MDStoreDir $dir/md
MDPortMap http:$port https:$md_port
MDCertificateAuthority $url
MDCACertificateFile $tool->{roots}
MDExternalAccountBinding $kid $hmac
MDCertificateAgreement accepted
MDContactEmail a\@acme.test
MDCAChallenges http-01
MDCheckInterval 1s
MDMessageCmd /bin/true
MDRenewWindow $window
MDomain md.acme.test
<VirtualHost 127.0.0.1:$port>
    ServerName md.acme.test
</VirtualHost>
<VirtualHost 127.0.0.1:$md_port>
    ServerName md.acme.test
    SSLEngine on
</VirtualHost>
EOT
}

# Run it until it has a certificate, and shows it.
sub md_start {
    my ($kid, $hmac, $window) = @_;
    my $from = length AcmeServer::read_file("$dir/md.log");
    md_configure($kid, $hmac, $window || '33%');
    answer(0);
    $md_pid = $tool->spawn(AcmeServer::program(), '-d', $dir, '-f',
        "$dir/md.conf", '-D', 'FOREGROUND');
    my $done = AcmeServer::wait_for(30, sub {
        return substr(AcmeServer::read_file("$dir/md.log"), $from)
            =~ /AH10059: .*md\.acme\.test/ ? 1 : undef });
    ok($done, 'mod_md has a certificate')
        or diag AcmeServer::read_file("$dir/md.log"), $server->log;
    md_configure($kid, $hmac, '33%');
    kill 'USR1', $md_pid;
    AcmeServer::wait_for(20, sub {
        return substr(AcmeServer::read_file("$dir/md.log"), $from)
            =~ /resuming normal.*resuming normal/s ? 1 : undef });
}

sub md_stop {
    kill 'TERM', $md_pid;
    is(AcmeTool::stop($md_pid), 0, 'the second httpd stops');
}

make_path(map { "$dir/$_" } qw(certs md dehydrated));
AcmeServer::write_file("$dir/certs/roots.pem",
    AcmeServer::read_file($tool->{roots}));
$responder->stop;
my @clients = (sort(keys %client), 'mod_md');
my @here = grep { is_here($_) } @clients;
SKIP: {
    last if !is_here('uacme') || !system "@unshare true 2>/dev/null";
    @here = grep { $_ ne 'uacme' } @here;
    skip_here 'no mount namespace to be had here', 1;
}
for my $name (grep { !is_here($_) } @clients) {
  SKIP: {
        skip_here "$name is not here", 1;
    }
}
skip_file 'no client is here' if !@here;
my %serial;

for my $name (@here) {
    my $key = $key{$name} = eab($server, '--profile', 'web', '--name', $name,
        '--max-accounts', 1);
    if ($name eq 'mod_md') {
        md_start(@$key{qw(kid hmacKey)});
    }
    else {
        run($name, 'gets a certificate', commands($name, 'get'));
    }
    $serial{$name} = check($name, 90);
    is(acmectl_json($server, 'eab', 'show', $key->{kid})->{accounts}, 1,
        "$name has its account by its key");
    md_stop() if $name eq 'mod_md';
}

reload($server, vhost => vhost('second'));
for my $name (@here) {
    if ($name eq 'mod_md') {
        md_start(@{ $key{$name} }{qw(kid hmacKey)}, '3650d');
    }
    else {
        run($name, 'renews after the policy has changed',
            commands($name, 'renew'));
    }
    isnt(check($name, 7), $serial{$name}, "$name has another certificate");
    md_stop() if $name eq 'mod_md';
}
is_deeply([grep { $_ ne 'accountDoesNotExist' } $tool->refused], [],
    'no request was refused');

# What a client's user sees when there is no certificate for him.
sub told_ok {
    my ($name, $what, $regex) = @_;
    answer($client{$name}{responder});
    my ($status, $text) = (0, '');
    for my $cmd (commands($name, 'renew')) {
        my ($one, $said) = $tool->run(@$cmd);
        $status ||= $one;
        $text .= $said;
    }
    isnt($status, 0, "$name fails: $what");
    like($text, $regex, "$name says why");
}

my @tell = grep { $client{$_} } @here;
reload($server, vhost => vhost('third'));
told_ok($_, 'a policy that refuses its name', qr/policy web allows/)
    for @tell;
reload($server, vhost => vhost('first'));
for my $name (@tell) {
    acmectl($server, 'eab', 'suspend', $key{$name}{kid});
    told_ok($name, 'a key that is suspended', qr/suspended/);
    acmectl($server, 'eab', 'resume', $key{$name}{kid});
}
run($tell[0], 'renews when all is well again', commands($tell[0], 'renew'))
    if @tell;

$server->finish;
done_testing;
