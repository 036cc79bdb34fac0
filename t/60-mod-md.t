#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# mod_md in a second httpd: RSA and EC keys, several names, http-01 and
# tls-alpn-01, renewal, all by itself, and the certificates that its virtual
# hosts then show.

use strict;
use warnings;
use File::Path qw(make_path);
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeClient;
use AcmeServer;
use AcmeSkip;
use AcmeTool;

my $modules = $ENV{HTTPD_MODULES} || AcmeServer::apxs('LIBEXECDIR');
skip_file 'no mod_md in this httpd' if !-e "$modules/mod_md.so";

my $port   = AcmeServer::free_port();
my $server = AcmeServer->new(
    vhost => "ACMEValidationPort tls-alpn-01 $port")->start;
my $tool   = AcmeTool->new(server => $server);
my $dir    = $tool->{dir};
my $log    = "$dir/error.log";
my $httpd  = AcmeServer::program();

sub configure {
    my (@more) = @_;
    my $static = join ' ', `$httpd -l`;
    my $load = join "\n", map { "LoadModule ${_}_module $modules/mod_$_.so" }
        grep { $static !~ /\bmod_$_\.c/ } qw(mpm_event unixd authz_core
        watchdog ssl socache_shmcb md);
    my $user = $> == 0 ? "User www-data\nGroup www-data" : '';
    AcmeServer::write_file("$dir/httpd.conf", <<"EOT");
ServerRoot $dir
DefaultRuntimeDir $dir/run
PidFile $dir/run/httpd.pid
ErrorLog $log
LogLevel info
$load
$user
ServerName second.test
Protocols http/1.1 acme-tls/1
Listen 127.0.0.1:$server->{http01_port}
Listen 127.0.0.1:$port https
MDStoreDir $dir/md
MDPortMap http:$server->{http01_port} https:$port
MDCertificateAuthority $server->{directory}
MDCACertificateFile $tool->{roots}
MDContactEmail admin\@a.test
MDCertificateAgreement accepted
MDCAChallenges tls-alpn-01
MDCheckInterval 1s
MDStapling on
MDMessageCmd /bin/true
MDPrivateKeys RSA 2048
@more
MDomain a.test b.test c.test
<MDomain d.test>
    MDPrivateKeys secp384r1
    # With an EC key alone it does not find its own certificate for tls-alpn-01.
    MDCAChallenges http-01
</MDomain>
<VirtualHost 127.0.0.1:$server->{http01_port}>
    ServerName d.test
</VirtualHost>
<VirtualHost 127.0.0.1:$port>
    ServerName a.test
    ServerAlias b.test c.test
    SSLEngine on
</VirtualHost>
<VirtualHost 127.0.0.1:$port>
    ServerName d.test
    SSLEngine on
</VirtualHost>
EOT
}

# mod_md says that it has new certificates for both domains, and takes them.
sub activate {
    my ($pid, $name, $from) = @_;
    my $done = AcmeServer::wait_for(40, sub {
        my $text = substr AcmeServer::read_file($log), $from;
        return 1 if 2 == grep { $text =~ /AH10059: .*\Q$_\E/ }
            qw(a.test d.test);
        return;
    });
    ok($done, $name) or diag AcmeServer::read_file($log), $server->log;
    # It is not to renew again just when it is stopped.
    configure();
    graceful($pid);
}

sub graceful {
    my ($pid) = @_;
    my $from = length AcmeServer::read_file($log);
    kill 'USR1', $pid;
    AcmeServer::wait_for(20, sub {
        return substr(AcmeServer::read_file($log), $from)
            =~ /resuming normal operations/ ? 1 : undef;
    });
    return $from;
}

sub check {
    my ($what) = @_;
    my @serials = $tool->certificate_ok("$what for three names is good",
        $tool->served($port, 'b.test'), kind => 'RSA',
        names => [qw(a.test b.test c.test)]);
    push @serials, $tool->certificate_ok("$what for one name is good",
        $tool->served($port, 'd.test'), kind => 'EC', names => ['d.test']);
    return @serials;
}

# mod_md asks our OCSP responder about its own certificates.
sub stapled {
    my ($name, $serial) = @_;
    my ($digits) = $serial =~ /=0*(\w+)/;
    my $text;
    ok(AcmeServer::wait_for(40, sub {
        $text = AcmeClient::run('sh', '-c', "openssl s_client -status "
            . "-CAfile $tool->{roots} -servername $name "
            . "-connect 127.0.0.1:$port </dev/null 2>&1");
        return $text =~ /OCSP Response Status: successful/ || undef;
    }), "$name has a response of ours") or diag $text;
    like($text, qr/Serial Number: 0*$digits\n *Cert Status: good/i, 'good');
}

make_path("$dir/md");
configure();
my $pid = $tool->spawn($httpd, '-d', $dir, '-f', "$dir/httpd.conf", '-D',
    'FOREGROUND');
activate($pid, 'mod_md gets two certificates', 0);
my @first = check('what it shows');
stapled('b.test', $first[0]);
stapled('d.test', $first[1]);

# A window longer than a certificate's life: it is time to renew.
configure('MDRenewWindow 3650d');
activate($pid, 'mod_md renews both', graceful($pid));
my @second = check('what it shows then');
isnt($second[$_], $first[$_], 'it is another one') for 0, 1;

kill 'TERM', $pid;
is(AcmeTool::stop($pid), 0, 'the second httpd stops');
is_deeply([$tool->proofs('tls-alpn-01')], [qw(a.test b.test c.test)],
    'T83: three names were proven by tls-alpn-01');
is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
