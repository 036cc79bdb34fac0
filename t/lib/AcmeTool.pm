# SPDX-License-Identifier: Apache-2.0
package AcmeTool;

# A real client, run as a stranger would run it: its home is a temporary
# directory, its environment holds what the test gives it and nothing else of
# this machine.

use strict;
use warnings;
use File::Path qw(make_path);
use MIME::Base64 ();
use POSIX qw(setpgid);
use Test::More;

use AcmeCheck ();
use AcmeClient;
use AcmeServer;
use AcmeSkip;

my $starter = $$;
my @running;

# Debian's programs before those that somebody put elsewhere; before them those
# that the interop tests bring along.
my $path = join ':', $ENV{ACME_TOOLS} || (),
    "$AcmeServer::top/build/tools/usr/bin",
    qw(/usr/bin /bin /usr/sbin /sbin), $ENV{PATH};

# Skip the test file when one of these programs is not there.
sub need {
    my (undef, @programs) = @_;
    for my $program (@programs) {
        next if grep { -x "$_/$program" } split /:/, $path;
        skip_file "$program is not here; support/deps or t/interop/get "
            . "brings it; acme.sh and getssl: by hand, into build/interop/bin";
    }
}

# Skip the test file when this program cannot load this library.
sub need_library {
    my (undef, $package, @cmd) = @_;
    local $ENV{PATH} = $path;
    return if eval { AcmeClient::run(@cmd); 1 };
    skip_file "$package is not installed; support/deps installs it";
}

# server: an AcmeServer that runs.  env: what the client finds in its
# environment; ROOTS in a value is the file of the server's roots.
sub new {
    my ($class, %o) = @_;
    my $self = bless { env => {}, dir => AcmeServer::tempdir(), %o }, $class;
    $self->{checker} = AcmeClient->new(server => $self->{server});
    $self->{roots} = $self->{checker}->cacert;
    s/ROOTS/$self->{roots}/ for values %{ $self->{env} };
    make_path("$self->{dir}/$_") for qw(tmp run);
    return $self;
}

sub environment {
    my ($self) = @_;
    my $dir = $self->{dir};
    return (PATH => $path, HOME => $dir, TMPDIR => "$dir/tmp",
        LANG => 'C.UTF-8', XDG_CONFIG_HOME => "$dir/config",
        XDG_DATA_HOME => "$dir/data", XDG_CACHE_HOME => "$dir/cache",
        XDG_RUNTIME_DIR => "$dir/run", %{ $self->{env} });
}

# Start a program in the background; it ends with the test, if not before.
# What it says goes to {output}.
sub spawn {
    my ($self, @cmd) = @_;
    $self->{output} = "$self->{dir}/output." . ++$self->{count};
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        setpgid(0, 0);
        %ENV = $self->environment;
        chdir $self->{dir};
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', $self->{output};
        open STDERR, '>&', \*STDOUT;
        exec { $cmd[0] } @cmd or POSIX::_exit(127);
    }
    setpgid($pid, $pid);
    push @running, $pid;
    return $pid;
}

# End it; its exit status, -1 when it had to be killed.
sub stop {
    my ($pid, $seconds) = @_;
    my $gone = AcmeServer::wait_for($seconds // 15,
        sub { waitpid($pid, POSIX::WNOHANG()) != 0 ? 1 : undef });
    my $status = $gone ? $? >> 8 || $? : -1;
    kill 'KILL', -$pid;
    waitpid $pid, 0 if !$gone;
    @running = grep { $_ != $pid } @running;
    return $status;
}

# Run a program to its end: (exit status, what it said).
sub run {
    my ($self, @cmd) = @_;
    my $pid = $self->spawn(@cmd);
    my $status = stop($pid, 90);
    return ($status, AcmeServer::read_file($self->{output}));
}

# The same as a test.  What it said.
sub run_ok {
    my ($self, $name, @cmd) = @_;
    my ($status, $text) = $self->run(@cmd);
    is($status, 0, $name) or diag "@cmd\n$text", $self->{server}->log;
    return $text;
}

# Text about a file's first certificate.
sub x509 {
    my ($file, @args) = @_;
    my $text = eval { AcmeClient::run('openssl', 'x509', '-noout', '-in',
        $file, @args) } // '';
    chomp $text;
    return $text;
}

# What RFC 9773 4.1 calls a certificate, as a client makes it of what openssl
# shows.
sub renewal_id {
    my ($file) = @_;
    my ($key) = x509($file, qw(-ext authorityKeyIdentifier))
        =~ /((?:[0-9A-F]{2}:)+[0-9A-F]{2})/;
    my ($serial) = x509($file, '-serial') =~ /=([0-9A-F]+)/;
    $key =~ tr/://d;
    $serial = "0$serial" if length($serial) % 2;
    $serial =~ s/^00(?=[0-7])//;
    $serial = "00$serial" if $serial =~ /^[89A-F]/;
    return join '.', map { MIME::Base64::encode_base64url(pack 'H*', $_) }
        $key, $serial;
}

# Names of a file's first certificate, sorted.
sub names {
    my ($file) = @_;
    my @names = x509($file, '-ext', 'subjectAltName')
        =~ /(?:DNS|IP Address):([^,\s]+)/g;
    return sort @names;
}

# A test: the file holds a chain that openssl follows to the server's root, for
# each of these names and no other, and of this kind (EC or RSA) when the test
# cares; the key fits.  The certificate's serial.
sub certificate_ok {
    my ($self, $name, $file, %o) = @_;
    my @names = sort @{ $o{names} };
    subtest $name => sub {
        my $pem = AcmeServer::read_file($file);
        my @all = $pem =~ /-----BEGIN CERTIFICATE-----/g;
        cmp_ok(scalar @all, '>=', 2, 'R18: two certificates or more');
        is_deeply([names($file)], \@names, 'these names and no other');
        is_deeply([grep { $self->{checker}->verify($pem, $_) !~ /: OK$/m }
            @names], [], 'R22: it chains to the root, for each name');
        like(x509($file, '-text'), qr/Public Key Algorithm: .*\Q$o{kind}\E/i,
            "an $o{kind} key") if $o{kind};
        is(x509($file, '-pubkey'), public_key($o{key}), 'its key fits')
            if $o{key};
    };
    return x509($file, '-serial');
}

sub public_key {
    my ($file) = @_;
    my $text = eval { AcmeClient::run('openssl', 'pkey', '-pubout', '-in',
        $file) } // 'no key';
    chomp $text;
    return $text;
}

# A test: the certificate with this serial (as certificate_ok tells it) is
# revoked, for this reason ("-1" without).
sub revoked_ok {
    my ($self, $name, $serial, $reason) = @_;
    my $digits = sprintf('%32s', lc $serial =~ s/.*=//r) =~ tr/ /0/r;
    my ($is) = split /\n/, AcmeCheck::sql($self->{server}, 'SELECT '
        . "revoked_reason FROM certs WHERE serial = '$digits' "
        . 'AND revoked_at > 0');
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is($is, $reason, $name);
}

# Write the chain that a TLS server on this port of 127.0.0.1 shows for a name
# to a file, and return the file.
sub served {
    my ($self, $port, $name) = @_;
    my (undef, $text) = $self->run('openssl', 's_client', '-showcerts',
        '-connect', "127.0.0.1:$port", '-servername', $name);
    AcmeServer::write_file("$self->{dir}/served.pem", join '',
        $text =~ /(-----BEGIN CERT.*?-----END CERT[^\n]*\n)/sg);
    return "$self->{dir}/served.pem";
}

# What the server refused so far, from its access log: sorted problem types.
sub refused {
    my ($self) = @_;
    my $log = AcmeServer::read_file("$self->{server}{dir}/logs/access.log");
    return sort grep { $_ ne '-' } map { (split / /)[-1] } split /\n/, $log;
}

# Names that were proven by this type of challenge, sorted.
sub proofs {
    my ($self, $type) = @_;
    return split /\n/, AcmeCheck::sql($self->{server}, 'SELECT DISTINCT value '
        . "FROM authzs WHERE status = 'valid' AND attempted = '$type' "
        . 'ORDER BY value');
}


END {
    my $status = $?;
    if ($$ == $starter) {
        kill 'KILL', map { -$_ } @running;
        waitpid $_, 0 for @running;
    }
    $? = $status;
}

1;
