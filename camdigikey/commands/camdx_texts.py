"""Every word of `camdigikey camdx verify`, in Khmer and in English."""

from camdx_bridge import Refusal
from camdx_bridge.documents import Warned

WORDS = {
    "en": {
        "valid": "VALID",
        "invalid": "INVALID",
        "unusable": "UNUSABLE",
        "signer": "Signed by",
        "server": "security server {server}",
        "message": "Message",
        "request": "request {id} from {client} to {provider}, service {service}",
        "response": "answer {id} of {provider} to {client}, service {service}",
        "stamped": "Existed at",
        "stamped_by": "{at}, says {authority}",
        "claimed": "Signer's clock",
        "status": "Certificate good at",
        "covered": "Verified whole",
        "nothing": "nothing",
        "unverified": "NOT VERIFIED",
        "unverified_note": "{names}: only a digest was signed; not here, or not whole",
        "unsigned": "NOT SIGNED",
        "unsigned_note": "{names}: nobody vouches for it",
        "warning": "Warning",
        "reason": "Reason",
        "summary": "{valid} valid, {invalid} invalid, {unusable} unusable",
        "trust": "The file of trust cannot be used: {detail}",
        "hint": (
            "If the security server keeps no bodies (message-body-logging=false), try "
            "--message-withheld: it checks signature and time without the message."
        ),
    },
    "km": {
        "valid": "ត្រឹមត្រូវ",
        "invalid": "មិនត្រឹមត្រូវ",
        "unusable": "មិនអាចពិនិត្យបាន",
        "signer": "ចុះហត្ថលេខាដោយ",
        "server": "ម៉ាស៊ីនមេសុវត្ថិភាព {server}",
        "message": "សារ",
        "request": "សំណើ {id} ពី {client} ទៅ {provider} សេវា {service}",
        "response": "ចម្លើយ {id} របស់ {provider} ទៅ {client} សេវា {service}",
        "stamped": "មាននៅពេល",
        "stamped_by": "{at} តាមការបញ្ជាក់របស់ {authority}",
        "claimed": "ម៉ោងរបស់អ្នកចុះហត្ថលេខា",
        "status": "វិញ្ញាបនបត្រនៅល្អត្រឹម",
        "covered": "បានផ្ទៀងផ្ទាត់ទាំងស្រុង",
        "nothing": "គ្មាន",
        "unverified": "មិនបានផ្ទៀងផ្ទាត់",
        "unverified_note": (
            "{names}៖ មានតែតម្លៃហាសដែលបានចុះហត្ថលេខា ឯកសារមិននៅទីនេះ ឬមិនពេញលេញ"
        ),
        "unsigned": "គ្មានហត្ថលេខា",
        "unsigned_note": "{names}៖ គ្មានអ្នកណាធានាទេ",
        "warning": "ប្រយ័ត្ន",
        "reason": "មូលហេតុ",
        "summary": ("ត្រឹមត្រូវ {valid} មិនត្រឹមត្រូវ {invalid} មិនអាចពិនិត្យបាន {unusable}"),
        "trust": "មិនអាចប្រើឯកសារទំនុកចិត្តបានទេ៖ {detail}",
        "hint": (
            "បើម៉ាស៊ីនមេសុវត្ថិភាពមិនរក្សាខ្លឹមសារសារ (message-body-logging=false)"
            " សូមសាក --message-withheld៖ វាពិនិត្យហត្ថលេខា និងពេលវេលា ដោយគ្មានសារ។"
        ),
    },
}

WARNINGS = {
    Warned.HASH_CHAIN_NOT_SIGNED: (
        "the file holds a hash chain that the signature does not refer to",
        "ក្នុងឯកសារមានខ្សែហាសដែលហត្ថលេខាមិនបានយោងទៅ",
    ),
    Warned.FILES_NOT_SIGNED: (
        "the file holds parts that nobody signed",
        "ក្នុងឯកសារមានផ្នែកខ្លះដែលគ្មានអ្នកណាចុះហត្ថលេខា",
    ),
    Warned.MESSAGE_WITHHELD: (
        "the message itself was not verified: the log keeps only part of it",
        "សារខ្លួនឯងមិនបានផ្ទៀងផ្ទាត់ទេ ព្រោះកំណត់ត្រារក្សាទុកតែមួយផ្នែក",
    ),
    Warned.ATTACHMENTS_MISSING: (
        "parts that were signed are not in the file",
        "ផ្នែកខ្លះដែលបានចុះហត្ថលេខា មិនមាននៅក្នុងឯកសារទេ",
    ),
}

REASONS = {
    Refusal.FILE_UNREADABLE: (
        "the file cannot be read, or the folder holds no container",
        "មិនអាចអានឯកសារបានទេ ឬក្នុងថតគ្មានឯកសារដែលត្រូវពិនិត្យ",
    ),
    Refusal.TOO_LARGE: ("the file is too large", "ឯកសារធំពេក"),
    Refusal.NOT_A_ZIP: (
        "it is no zip file, or it is damaged",
        "វាមិនមែនជាឯកសារ zip ទេ ឬក៏ខូច",
    ),
    Refusal.ZIP_AMBIGUOUS: (
        "different programs would see different contents in it",
        "កម្មវិធីផ្សេងគ្នានឹងឃើញខ្លឹមសារខុសគ្នាក្នុងឯកសារនេះ",
    ),
    Refusal.DUPLICATE_ENTRY: (
        "a name stands twice in it",
        "មានឈ្មោះមួយស្ទួនគ្នាក្នុងឯកសារ",
    ),
    Refusal.ENTRY_NAME: (
        "a name in it is not allowed",
        "មានឈ្មោះមួយក្នុងឯកសារដែលមិនត្រូវបានអនុញ្ញាត",
    ),
    Refusal.ENTRY_ENCODING: (
        "it is encrypted or packed in an unusual way",
        "ឯកសារត្រូវបានអ៊ិនគ្រីប ឬបង្រួមតាមរបៀបប្លែក",
    ),
    Refusal.ZIP_BOMB: (
        "it would unpack to far too much",
        "ពេលពន្លាទៅវានឹងធំហួសប្រមាណ",
    ),
    Refusal.NOT_A_CONTAINER: (
        "it is no container of a signed message",
        "វាមិនមែនជាឯកសារផ្ទុកសារដែលមានហត្ថលេខាទេ",
    ),
    Refusal.NOT_AN_ARCHIVE: (
        "it is no archive of a message log",
        "វាមិនមែនជាបណ្ណសារកំណត់ត្រាសារទេ",
    ),
    Refusal.TRUST_MALFORMED: (
        "the file of trust is not what it should be",
        "ឯកសារទំនុកចិត្តមិនត្រឹមត្រូវតាមទម្រង់",
    ),
    Refusal.XML_MALFORMED: ("a part of it is no XML", "ផ្នែកមួយមិនមែនជា XML"),
    Refusal.XML_ENCODING: (
        "a part of it is not written in UTF-8",
        "ផ្នែកមួយមិនបានសរសេរជា UTF-8",
    ),
    Refusal.XML_DOCTYPE: (
        "its XML holds a document type, which is never allowed",
        "XML មានការប្រកាសប្រភេទឯកសារ (DTD) ដែលហាមដាច់ខាត",
    ),
    Refusal.XML_TOO_DEEP: ("its XML is nested too deeply", "XML ស៊ីជម្រៅជ្រៅពេក"),
    Refusal.XML_TOO_LARGE: ("its XML is too large", "XML ធំពេក"),
    Refusal.DUPLICATE_ID: (
        "an Id stands twice in the signature: an attempt to deceive",
        "មាន Id ស្ទួនគ្នាក្នុងហត្ថលេខា៖ អាចជាការបោកបញ្ឆោត",
    ),
    Refusal.MIME_MALFORMED: (
        "the parts of the configuration cannot be told apart",
        "មិនអាចបែងចែកផ្នែកនៃការកំណត់រចនាសម្ព័ន្ធបានទេ",
    ),
    Refusal.CERTIFICATE_MALFORMED: (
        "a certificate cannot be read",
        "មិនអាចអានវិញ្ញាបនបត្របានទេ",
    ),
    Refusal.MESSAGE_MALFORMED: (
        "the message does not say who speaks to whom",
        "សារមិនបានបញ្ជាក់ថាអ្នកណានិយាយទៅកាន់អ្នកណា",
    ),
    Refusal.SIGNATURE_MALFORMED: (
        "the signature does not have the agreed shape",
        "ហត្ថលេខាមិនត្រូវតាមទម្រង់ដែលបានព្រមព្រៀង",
    ),
    Refusal.ALGORITHM_REFUSED: (
        "an algorithm is too weak or unknown",
        "ក្បួនដោះស្រាយខ្សោយពេក ឬមិនស្គាល់",
    ),
    Refusal.KEY_TOO_SMALL: ("a key is too short", "សោខ្លីពេក"),
    Refusal.REFERENCE_MISSING: (
        "something that must be signed or be here is not",
        "អ្វីដែលត្រូវចុះហត្ថលេខា ឬត្រូវមាននៅទីនេះ បែរជាគ្មាន",
    ),
    Refusal.REFERENCE_UNKNOWN: (
        "the signature refers to something that it may not",
        "ហត្ថលេខាយោងទៅអ្វីដែលមិនត្រូវបានអនុញ្ញាត",
    ),
    Refusal.DIGEST_MISMATCH: (
        "it was changed after it was signed",
        "វាត្រូវបានកែប្រែក្រោយពេលចុះហត្ថលេខា",
    ),
    Refusal.SIGNATURE_VALUE: (
        "the signature is not by the key of this certificate",
        "ហត្ថលេខាមិនមែនធ្វើដោយសោរបស់វិញ្ញាបនបត្រនេះទេ",
    ),
    Refusal.PART_NOT_SIGNED: (
        "an attachment was put in that nobody signed",
        "មានឯកសារភ្ជាប់មួយត្រូវបានបញ្ចូលដោយគ្មានហត្ថលេខា",
    ),
    Refusal.HASH_CHAIN_MALFORMED: (
        "a hash chain does not have the agreed shape",
        "ខ្សែហាសមិនត្រូវតាមទម្រង់ដែលបានព្រមព្រៀង",
    ),
    Refusal.HASH_CHAIN_REFERENCE: (
        "a part is not the one that the hash chain speaks of",
        "ផ្នែកមួយមិនមែនជាផ្នែកដែលខ្សែហាសនិយាយដល់ទេ",
    ),
    Refusal.HASH_CHAIN_RESULT: (
        "the hash chain does not lead to what was signed",
        "ខ្សែហាសមិននាំទៅដល់អ្វីដែលបានចុះហត្ថលេខា",
    ),
    Refusal.HASH_CHAIN_UNUSED_INPUT: (
        "the hash chain leaves out a part that it must cover",
        "ខ្សែហាសរំលងផ្នែកមួយដែលវាត្រូវគ្របដណ្តប់",
    ),
    Refusal.PROFILE_UNKNOWN: (
        "the authority names members in a way that is not known here",
        "អាជ្ញាធរដាក់ឈ្មោះសមាជិកតាមរបៀបដែលទីនេះមិនស្គាល់",
    ),
    Refusal.SIGNER_UNNAMED: (
        "the certificate names no member",
        "វិញ្ញាបនបត្រមិនបានបញ្ជាក់ឈ្មោះសមាជិកទេ",
    ),
    Refusal.SIGNER_MISMATCH: (
        "the member who signed is not the one who speaks in the message",
        "សមាជិកដែលចុះហត្ថលេខា មិនមែនជាអ្នកដែលនិយាយក្នុងសារទេ",
    ),
    Refusal.CERTIFICATE_USAGE: (
        "the certificate is not for signing messages",
        "វិញ្ញាបនបត្រនេះមិនមែនសម្រាប់ចុះហត្ថលេខាលើសារទេ",
    ),
    Refusal.CERTIFICATE_EXPIRED: (
        "the certificate was not in force at that time",
        "វិញ្ញាបនបត្រមិនមានសុពលភាពនៅពេលនោះទេ",
    ),
    Refusal.AUTHORITY_UNKNOWN: (
        "no approved authority vouches for the certificate",
        "គ្មានអាជ្ញាធរដែលបានអនុម័តណាធានាវិញ្ញាបនបត្រនេះទេ",
    ),
    Refusal.AUTHORITY_EXPIRED: (
        "the authority's certificate was not in force at that time",
        "វិញ្ញាបនបត្ររបស់អាជ្ញាធរមិនមានសុពលភាពនៅពេលនោះទេ",
    ),
    Refusal.OCSP_MISSING: (
        "nothing says that the certificate was good at that time",
        "គ្មានអ្វីបញ្ជាក់ថាវិញ្ញាបនបត្រនៅល្អនៅពេលនោះទេ",
    ),
    Refusal.OCSP_MALFORMED: (
        "what is said about the certificate cannot be read",
        "មិនអាចអានចម្លើយអំពីស្ថានភាពវិញ្ញាបនបត្របានទេ",
    ),
    Refusal.OCSP_SIGNER: (
        "what is said about the certificate is by somebody who may not say it",
        "អ្នកឆ្លើយអំពីស្ថានភាពវិញ្ញាបនបត្រ គ្មានសិទ្ធិឆ្លើយទេ",
    ),
    Refusal.OCSP_SIGNATURE: (
        "what is said about the certificate is forged",
        "ចម្លើយអំពីស្ថានភាពវិញ្ញាបនបត្រត្រូវបានក្លែងបន្លំ",
    ),
    Refusal.OCSP_STALE: (
        "what is said about the certificate was too old at that time",
        "ចម្លើយអំពីស្ថានភាពវិញ្ញាបនបត្រចាស់ពេកនៅពេលនោះ",
    ),
    Refusal.OCSP_FUTURE: (
        "what is said about the certificate is from after that time",
        "ចម្លើយអំពីស្ថានភាពវិញ្ញាបនបត្រធ្វើឡើងក្រោយពេលនោះ",
    ),
    Refusal.CERTIFICATE_REVOKED: (
        "the certificate was revoked, or its authority does not know it",
        "វិញ្ញាបនបត្រត្រូវបានដកហូត ឬអាជ្ញាធរមិនស្គាល់វា",
    ),
    Refusal.TIMESTAMP_MISSING: (
        "there is no time-stamp: nothing says when it was signed",
        "គ្មានត្រាពេលវេលា៖ គ្មានអ្វីបញ្ជាក់ថាចុះហត្ថលេខានៅពេលណា",
    ),
    Refusal.TIMESTAMP_MALFORMED: (
        "the time-stamp cannot be read",
        "មិនអាចអានត្រាពេលវេលាបានទេ",
    ),
    Refusal.TIMESTAMP_AUTHORITY: (
        "the time-stamp is not by an approved authority",
        "ត្រាពេលវេលាមិនមែនរបស់អាជ្ញាធរដែលបានអនុម័តទេ",
    ),
    Refusal.TIMESTAMP_MISMATCH: (
        "the time-stamp is for something else",
        "ត្រាពេលវេលានេះសម្រាប់អ្វីផ្សេង",
    ),
    Refusal.TIMESTAMP_SIGNATURE: (
        "the time-stamp is forged",
        "ត្រាពេលវេលាត្រូវបានក្លែងបន្លំ",
    ),
    Refusal.CONFIGURATION_UNSIGNED: (
        "the configuration is not signed by a trusted key",
        "ការកំណត់រចនាសម្ព័ន្ធមិនបានចុះហត្ថលេខាដោយសោដែលទុកចិត្តទេ",
    ),
    Refusal.CONFIGURATION_EXPIRED: (
        "the configuration has expired",
        "ការកំណត់រចនាសម្ព័ន្ធហួសសុពលភាពហើយ",
    ),
    Refusal.CONFIGURATION_FOREIGN: (
        "the configuration is of another instance",
        "ការកំណត់រចនាសម្ព័ន្ធជារបស់ប្រព័ន្ធផ្សេង",
    ),
    Refusal.LINK_BROKEN: (
        "something in the archive was changed, taken out or put in",
        "មានអ្វីមួយក្នុងបណ្ណសារត្រូវបានកែ ដកចេញ ឬបញ្ចូល",
    ),
    Refusal.LINK_MISSING: (
        "the archive holds a file that its chain does not name",
        "បណ្ណសារមានឯកសារដែលខ្សែតភ្ជាប់មិនបានដាក់ឈ្មោះ",
    ),
}
